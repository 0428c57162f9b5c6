package apitest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/types/known/timestamppb"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// tick returns the next instant.
func (s *Server) tick() *timestamppb.Timestamp {
	s.clock = s.clock.Add(time.Second)
	return timestamppb.New(s.clock)
}

// id returns the next id; it has the form of a UUIDv7.
func (s *Server) id() string {
	s.serial++
	return fmt.Sprintf("01930000-0000-7000-8000-%012d", s.serial)
}

// add makes a node.
func (s *Server) add(folder, name string, kind metadatav1.File_Kind) *node {
	n := &node{File: &metadatav1.File{
		Name:        "spaces/default/files/" + s.id(),
		DisplayName: name,
		Folder:      folder,
		Kind:        kind,
		CreateTime:  s.tick(),
		Creator:     "anonymous",
	}}
	s.touch(n)
	s.nodes[n.Name] = n
	return n
}

// touch gives a node that changed a new etag.
func (s *Server) touch(n *node) {
	n.UpdateTime = s.tick()
	n.Etag = fmt.Sprintf("e%d", s.serial*1000+s.clock.Second())
}

// child returns the node called name in a folder, nil when there is none.
func (s *Server) child(folder, name string) *node {
	for _, n := range s.nodes {
		if n.Folder == folder && n.DisplayName == name && n.DeleteTime == nil {
			return n
		}
	}
	return nil
}

// children returns what is in a folder, by name.
func (s *Server) children(folder string) []*node {
	var found []*node
	for _, n := range s.nodes {
		if n.Folder == folder && n.DeleteTime == nil {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, func(a, b *node) int { return strings.Compare(a.DisplayName, b.DisplayName) })
	return found
}

// hidden reports whether a node lies in a trashed folder.
func (s *Server) hidden(n *node) bool {
	for n.Folder != "" {
		n = s.nodes[n.Folder]
		if n == nil || n.DeleteTime != nil {
			return true
		}
	}
	return false
}

// walk follows names from the root, and makes the missing folders when asked
// to. It returns nil when there is no such node.
func (s *Server) walk(names []string, create bool) *node {
	at := s.nodes["spaces/default/files/root"]
	for _, name := range names {
		next := s.child(at.Name, name)
		if next == nil && create {
			next = s.add(at.Name, name, metadatav1.File_FOLDER)
		}
		if next == nil || at.Kind != metadatav1.File_FOLDER {
			return nil
		}
		at = next
	}
	return at
}

// names reads the part of an escaped URL path that is a path in the space.
func names(escaped string) ([]string, error) {
	if escaped == "" {
		return nil, nil
	}
	var list []string
	for segment := range strings.SplitSeq(escaped, "/") {
		name, err := url.PathUnescape(segment)
		if err != nil {
			return nil, err
		}
		if name, err = checkName(name); err != nil {
			return nil, err
		}
		list = append(list, name)
	}
	return list, nil
}

// checkName returns a name in the form that is stored.
func checkName(name string) (string, error) {
	stored := norm.NFC.String(name)
	control := func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
	switch {
	case name == "", name == ".", name == "..", len(stored) > 255, !utf8.ValidString(name),
		strings.Contains(name, "/"), strings.ContainsFunc(name, control):
		return "", fmt.Errorf("%q is not a name", name)
	}
	return stored, nil
}

// Add puts a file in place, for a test to begin with.
func (s *Server) Add(path string, contents []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(strings.Split(strings.TrimPrefix(path, "/"), "/"), contents, "")
}

// AddFolder puts a folder in place, for a test to begin with.
func (s *Server) AddFolder(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.walk(strings.Split(strings.TrimPrefix(path, "/"), "/"), true)
}

// Rename changes a node's name without a check, also to one that the contract
// forbids.
func (s *Server) Rename(path, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.walk(strings.Split(strings.TrimPrefix(path, "/"), "/"), false).DisplayName = name
}

// Tree returns the contents of every file by path; folders end in a slash.
func (s *Server) Tree() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	tree := map[string]string{}
	var collect func(folder, path string)
	collect = func(folder, path string) {
		for _, n := range s.children(folder) {
			if n.Kind == metadatav1.File_FOLDER {
				tree[path+n.DisplayName+"/"] = ""
				collect(n.Name, path+n.DisplayName+"/")
				continue
			}
			tree[path+n.DisplayName] = string(n.revisions[len(n.revisions)-1].bytes)
		}
	}
	collect("spaces/default/files/root", "/")
	return tree
}
