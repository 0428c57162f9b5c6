package namespace_test

import (
	"fmt"
	"maps"
	"sort"
	"strings"

	"github.com/anishathalye/porcupine"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// The model of a space: what a single caller at a time would see. A state is
// never changed; each step makes another.

type action int

const (
	putFile   action = iota // contents under a name in a folder
	makeDir                 // a folder under a name in a folder
	lookUp                  // a node by its path
	getNode                 // a node by its id
	moveNode                // a node into a folder, under a name
	trashNode               // a node into the trash
	bringBack               // a node out of the trash
	purgeNode               // a node of the trash for good
	listDir                 // the names in a folder
	actions
)

// asked is the input of an operation.
type asked struct {
	do      action
	id      string // of the node it is about
	folder  string // id
	name    string
	path    string
	content string
}

// answered is its output.
type answered struct {
	reason  errorsv1.Reason // REASON_UNSPECIFIED for success
	id      string
	created bool
	node    modelNode
	names   string
}

type modelNode struct {
	folder  string
	name    string
	isDir   bool
	trashed bool
	content string
}

type modelState struct {
	nodes map[string]modelNode
	text  string // canonical
}

func newState(nodes map[string]modelNode) modelState {
	lines := make([]string, 0, len(nodes))
	for id, n := range nodes {
		lines = append(lines, fmt.Sprintf("%s:%v", id, n))
	}
	sort.Strings(lines)
	return modelState{nodes: nodes, text: strings.Join(lines, "\n")}
}

func (s modelState) with(id string, n modelNode) modelState {
	nodes := make(map[string]modelNode, len(s.nodes)+1)
	for other, node := range s.nodes {
		nodes[other] = node
	}
	nodes[id] = n
	return newState(nodes)
}

func (s modelState) without(id string) modelState {
	nodes := maps.Clone(s.nodes)
	delete(nodes, id)
	return newState(nodes)
}

// names returns what a folder holds, in order.
func (s modelState) names(folder string) string {
	var names []string
	for _, n := range s.nodes {
		if n.folder == folder && !n.trashed {
			names = append(names, n.name)
		}
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

// stands reports whether a folder can be reached from the root.
func (s modelState) stands(id string) bool {
	for depth := 0; depth <= len(s.nodes); depth++ {
		if id == root {
			return true
		}
		n, ok := s.nodes[id]
		if !ok || !n.isDir || n.trashed {
			return false
		}
		id = n.folder
	}
	return false
}

// below reports whether a folder is a node or lies below it.
func (s modelState) below(folder, id string) bool {
	for folder != root {
		if folder == id {
			return true
		}
		folder = s.nodes[folder].folder
	}
	return false
}

func (s modelState) child(folder, name string) (string, modelNode, bool) {
	for id, n := range s.nodes {
		if n.folder == folder && n.name == name && !n.trashed {
			return id, n, true
		}
	}
	return "", modelNode{}, false
}

// live returns a node that can be reached.
func (s modelState) live(id string) (modelNode, bool) {
	n, ok := s.nodes[id]
	return n, ok && !n.trashed && s.stands(n.folder)
}

var historyModel = porcupine.Model{
	Init: func() any { return newState(map[string]modelNode{}) },
	Step: func(state, input, output any) (bool, any) {
		ok, next := step(state.(modelState), input.(asked), output.(answered))
		return ok, next
	},
	Equal: func(a, b any) bool { return a.(modelState).text == b.(modelState).text },
	DescribeOperation: func(input, output any) string {
		return fmt.Sprintf("%+v -> %+v", input, output)
	},
}

// step tells whether an answer is right in a state, and the state after it.
func step(s modelState, in asked, out answered) (bool, modelState) {
	const (
		success  = errorsv1.Reason_REASON_UNSPECIFIED
		notFound = errorsv1.Reason_REASON_NOT_FOUND
		exists   = errorsv1.Reason_REASON_ALREADY_EXISTS
		conflict = errorsv1.Reason_REASON_CONFLICT
	)
	switch in.do {
	case putFile:
		if !s.stands(in.folder) {
			return out.reason == notFound, s
		}
		id, n, taken := s.child(in.folder, in.name)
		switch {
		case taken && n.isDir:
			return out.reason == exists, s
		case taken:
			n.content = in.content
			return out.reason == success && out.id == id && !out.created, s.with(id, n)
		}
		return out.reason == success && out.created, s.with(out.id, modelNode{
			folder: in.folder, name: in.name, content: in.content,
		})
	case makeDir:
		if !s.stands(in.folder) {
			return out.reason == notFound, s
		}
		if _, _, taken := s.child(in.folder, in.name); taken {
			return out.reason == exists, s
		}
		return out.reason == success, s.with(out.id, modelNode{folder: in.folder, name: in.name, isDir: true})
	case lookUp:
		id, at := root, modelNode{}
		for _, name := range strings.Split(in.path[1:], "/") {
			next, n, ok := s.child(id, name)
			if !ok || (id != root && !at.isDir) {
				return out.reason == notFound, s
			}
			id, at = next, n
		}
		return out.reason == success && out.id == id && out.node == at, s
	case getNode:
		n, ok := s.nodes[in.id]
		if !ok || (!n.trashed && !s.stands(n.folder)) {
			return out.reason == notFound, s
		}
		return out.reason == success && out.node == n, s
	case moveNode:
		n, ok := s.live(in.id)
		switch {
		case !ok && s.nodes[in.id].trashed:
			return out.reason == conflict, s
		case !ok, !s.stands(in.folder):
			return out.reason == notFound, s
		case n.folder == in.folder && n.name == in.name:
			return out.reason == success && out.node == n, s
		case n.isDir && s.below(in.folder, in.id):
			return out.reason == conflict, s
		}
		if _, _, taken := s.child(in.folder, in.name); taken {
			return out.reason == exists, s
		}
		n.folder, n.name = in.folder, in.name
		return out.reason == success && out.node == n, s.with(in.id, n)
	case trashNode:
		n, ok := s.live(in.id)
		if !ok {
			return out.reason == notFound, s
		}
		n.trashed = true
		return out.reason == success && out.node == n, s.with(in.id, n)
	case bringBack:
		n, ok := s.nodes[in.id]
		switch {
		case !ok, !n.trashed && !s.stands(n.folder):
			return out.reason == notFound, s
		case !n.trashed:
			return out.reason == exists, s
		case !s.stands(n.folder):
			return out.reason == conflict, s
		}
		if _, _, taken := s.child(n.folder, n.name); taken {
			return out.reason == exists, s
		}
		n.trashed = false
		return out.reason == success && out.node == n, s.with(in.id, n)
	case purgeNode:
		n, ok := s.nodes[in.id]
		switch {
		case !ok, !n.trashed && !s.stands(n.folder):
			return out.reason == notFound, s
		case !n.trashed:
			return out.reason == conflict, s
		}
		return out.reason == success, s.without(in.id)
	case listDir:
		if !s.stands(in.folder) {
			return out.reason == notFound, s
		}
		return out.reason == success && out.names == s.names(in.folder), s
	}
	return false, s
}
