package apitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

func newReader(p []byte) io.Reader { return bytes.NewReader(p) }

// locked runs a read under the lock; a write has it already.
func (s *Server) locked(r *http.Request, do func()) {
	if r.Method == http.MethodGet {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	do()
}

// onNode runs a call on the node with an id.
func (s *Server) onNode(w http.ResponseWriter, r *http.Request, id string, call func(http.ResponseWriter, *http.Request, *node)) {
	s.locked(r, func() {
		n := s.nodes["spaces/default/files/"+id]
		if n == nil || s.hidden(n) {
			refuse(w, "NOT_FOUND", "there is no file "+id)
			return
		}
		if match := r.Header.Get("If-Match"); match != "" && match != `"`+n.Etag+`"` {
			refuse(w, "PRECONDITION_FAILED", "the etag does not match")
			return
		}
		call(w, r, n)
	})
}

// query checks that a request has no other parameters than those.
func query(w http.ResponseWriter, r *http.Request, known ...string) (url.Values, bool) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	for key := range values {
		if !slices.Contains(known, key) {
			refuse(w, "INVALID_ARGUMENT", "unknown parameter "+key)
			return nil, false
		}
	}
	if err != nil {
		refuse(w, "INVALID_ARGUMENT", err.Error())
	}
	return values, err == nil
}

// input decodes a JSON body, strictly.
func input(w http.ResponseWriter, r *http.Request, out any) bool {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(out); err != nil {
		refuse(w, "INVALID_ARGUMENT", err.Error())
		return false
	}
	return true
}

func (s *Server) get(w http.ResponseWriter, _ *http.Request, n *node) {
	show(w, http.StatusOK, n.File)
}

func (s *Server) lookup(w http.ResponseWriter, r *http.Request) {
	values, ok := query(w, r, "path")
	if !ok {
		return
	}
	path := values.Get("path")
	s.locked(r, func() {
		n := s.nodes["spaces/default/files/root"]
		if path != "/" {
			n = s.walk(strings.Split(strings.TrimPrefix(path, "/"), "/"), false)
		}
		if n == nil {
			refuse(w, "NOT_FOUND", "there is nothing at "+path)
			return
		}
		show(w, http.StatusOK, n.File)
	})
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	values, ok := query(w, r, "folder", "trashed", "pageSize", "pageToken")
	if !ok {
		return
	}
	s.locked(r, func() {
		var found []*node
		if values.Get("trashed") == "true" {
			for _, n := range s.nodes {
				if n.DeleteTime != nil {
					found = append(found, n)
				}
			}
			slices.SortFunc(found, func(a, b *node) int { return strings.Compare(a.DisplayName+a.Name, b.DisplayName+b.Name) })
		} else {
			folder := s.nodes[values.Get("folder")]
			if folder == nil || folder.DeleteTime != nil || s.hidden(folder) {
				refuse(w, "NOT_FOUND", "there is no such folder")
				return
			}
			found = s.children(folder.Name)
		}
		page, next := paginate(s.PageLimit, values, found)
		answer := &metadatav1.ListFilesResponse{NextPageToken: next}
		for _, n := range page {
			answer.Files = append(answer.Files, n.File)
		}
		show(w, http.StatusOK, answer)
	})
}

func (s *Server) listRevisions(w http.ResponseWriter, r *http.Request, n *node) {
	values, ok := query(w, r, "pageSize", "pageToken")
	if !ok {
		return
	}
	newest := slices.Clone(n.revisions)
	slices.Reverse(newest)
	page, next := paginate(s.PageLimit, values, newest)
	answer := &metadatav1.ListRevisionsResponse{NextPageToken: next}
	for _, rev := range page {
		answer.Revisions = append(answer.Revisions, rev.Revision)
	}
	show(w, http.StatusOK, answer)
}

// paginate cuts a page; tokens count in halves, so that there can be empty
// pages in between.
func paginate[T any](limit int, values url.Values, all []T) (page []T, next string) {
	half, _ := strconv.Atoi(values.Get("pageToken"))
	size, _ := strconv.Atoi(values.Get("pageSize"))
	size = min(size, limit)
	if limit >= 10 {
		half *= 2
	}
	start := half / 2 * size
	if half%2 == 1 {
		return nil, strconv.Itoa(half + 1)
	}
	end := min(start+size, len(all))
	if end < len(all) {
		next = strconv.Itoa(half + 1)
		if limit >= 10 {
			next = strconv.Itoa(half/2 + 1)
		}
	}
	return all[min(start, end):end], next
}
