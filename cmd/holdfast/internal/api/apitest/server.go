// Package apitest is a server that keeps Holdfast's REST contract in memory
// and is strict about it: what the contract refuses it refuses, and a client
// that leaves out what it should send fails the test. It can be told to fail.
package apitest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

const prefix = "/v1/spaces/default"

// Server is the server. Its one space is called default.
type Server struct {
	// URL is the base URL.
	URL string
	// Token, when not empty, is the bearer token that every call needs.
	Token string
	// PageLimit bounds a page; every second page is empty when it is below 10.
	PageLimit int

	t       *testing.T
	backend *httptest.Server

	mu       sync.Mutex
	clock    time.Time
	serial   int
	nodes    map[string]*node // by resource name
	outcomes map[string]*outcome
	uploads  map[string]*uploading // by id
	faults   []*injected
	calls    []string
}

// node is a file or folder with the contents of its revisions, oldest first.
type node struct {
	*metadatav1.File
	revisions []revision
}

type revision struct {
	*metadatav1.Revision
	bytes []byte
}

// New starts a server that stops with the test.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{
		t:         t,
		PageLimit: 1000,
		clock:     time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		nodes:     map[string]*node{},
		outcomes:  map[string]*outcome{},
		uploads:   map[string]*uploading{},
	}
	root := s.add("", "", metadatav1.File_FOLDER)
	root.Name = "spaces/default/files/root"
	s.nodes = map[string]*node{root.Name: root}
	s.backend = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.backend.URL
	t.Cleanup(s.backend.Close)
	return s
}

// Calls returns the method and escaped path of each request so far.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// serve does to a request what the test wishes, and answers it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls = append(s.calls, r.Method+" "+r.URL.EscapedPath())
	handler := s.wrap(r, http.HandlerFunc(s.answer))
	s.mu.Unlock()
	handler.ServeHTTP(w, r)
}

// answer keeps the contract.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 1 {
		s.t.Errorf("%s %s came by %s", r.Method, r.URL, r.Proto)
	}
	if s.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.Token {
		refuse(w, "UNAUTHENTICATED", "a valid credential is needed")
		return
	}
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix)
	if !ok {
		refuse(w, "NOT_FOUND", "no such space")
		return
	}
	if r.Method == http.MethodGet {
		s.route(w, r, rest)
		return
	}
	if id, ok := strings.CutPrefix(rest, "/uploads/"); ok {
		s.onUpload(w, r, id) // repeated by its offset
		return
	}
	s.once(w, r, rest)
}

// route finds the call that a request makes.
func (s *Server) route(w http.ResponseWriter, r *http.Request, rest string) {
	collection, id, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	switch collection {
	case "paths":
		s.byPath(w, r, id)
	case "files:lookup":
		s.lookup(w, r)
	case "files":
		s.files(w, r, id)
	case "uploads":
		s.openUpload(w, r)
	default:
		refuse(w, "NOT_FOUND", "no such call")
	}
}

func (s *Server) files(w http.ResponseWriter, r *http.Request, id string) {
	id, sub, _ := strings.Cut(id, "/")
	id, verb, _ := strings.Cut(id, ":")
	switch what := r.Method + " " + sub + ":" + verb; {
	case id == "" && what == "GET :":
		s.list(w, r)
	case id == "" && what == "POST :":
		s.createFolder(w, r)
	case what == "GET :":
		s.onNode(w, r, id, s.get)
	case what == "DELETE :":
		s.onNode(w, r, id, s.trash)
	case what == "POST :move":
		s.onNode(w, r, id, s.move)
	case what == "POST :undelete":
		s.onNode(w, r, id, s.undelete)
	case what == "POST :purge":
		s.onNode(w, r, id, s.purge)
	case what == "GET content:":
		s.onNode(w, r, id, s.download)
	case what == "GET revisions:":
		s.onNode(w, r, id, s.listRevisions)
	default:
		refuse(w, "METHOD_NOT_ALLOWED", "no such call")
	}
}
