package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api/apitest"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/loopback"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// client returns a client that repeats at once.
func client(t *testing.T, s *apitest.Server) *api.Client {
	t.Helper()
	c, err := api.New(api.Config{
		Server: s.URL, Space: "default", Token: s.Token,
		Connections: 4, Retries: 3, FirstWait: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func lookup(t *testing.T, c *api.Client, path api.Path) *api.Node {
	t.Helper()
	node, err := c.Lookup(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

func TestNewRefusesBadConfiguration(t *testing.T) {
	for _, config := range []api.Config{
		{Server: "", Space: "default"},
		{Server: "127.0.0.1:8080", Space: "default"},
		{Server: "ftp://host", Space: "default"},
		{Server: "http://host?x=y", Space: "default"},
		{Server: "http://ho st", Space: "default"},
		{Server: "http://host", Space: ""},
		{Server: "http://host", Space: "Default"},
		{Server: "http://host", Space: "../admin"},
		{Server: "http://host", Space: "default", Token: "a\r\nX: y"},
	} {
		if _, err := api.New(config); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: got %v", config, err)
		}
	}
}

// TestNodeIsTheContract checks that Node has every field of the contract, in
// the form that proto3 JSON gives it.
func TestNodeIsTheContract(t *testing.T) {
	at := func(second int64) *timestamppb.Timestamp {
		return &timestamppb.Timestamp{Seconds: second, Nanos: 123e6}
	}
	file := &metadatav1.File{
		Name: "spaces/default/files/f", DisplayName: "a.pdf", Folder: "spaces/default/files/root",
		Kind: metadatav1.File_FILE, SizeBytes: 1 << 60, ContentType: "application/pdf", Sha256: "ab",
		Revision: "spaces/default/files/f/revisions/r", Etag: "e", Labels: map[string]string{"k": "v"},
		CreateTime: at(1), UpdateTime: at(2), DeleteTime: at(3), PurgeTime: at(4), ExpireTime: at(5), Creator: "me",
	}
	revision := &metadatav1.Revision{
		Name: "spaces/default/files/f/revisions/r", SizeBytes: 7, ContentType: "a/b", Sha256: "cd", CreateTime: at(6), Creator: "me",
	}
	for name, test := range map[string]struct {
		text []byte
		into any
	}{
		"node":     {must(protojson.Marshal(file)), new(api.Node)},
		"revision": {must(protojson.Marshal(revision)), new(api.Revision)},
	} {
		decoder := json.NewDecoder(strings.NewReader(string(test.text)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(test.into); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var want, got any
		_ = json.Unmarshal(test.text, &want)
		_ = json.Unmarshal(must(json.Marshal(test.into)), &got)
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestTokenIsSent(t *testing.T) {
	s := apitest.New(t)
	s.Token = "secret"
	lookup(t, client(t, s), "/")
	s.Token = "other"
	c := must(api.New(api.Config{Server: s.URL, Space: "default", Token: "secret"}))
	_, err := c.Lookup(t.Context(), "/")
	if fault.ReasonOf(err) != errorsv1.Reason_REASON_UNAUTHENTICATED {
		t.Errorf("got %v", err)
	}
}

func TestListTurnsPages(t *testing.T) {
	s := apitest.New(t)
	s.PageLimit = 2
	for i := range 9 {
		s.Add(fmt.Sprintf("/docs/%d", i), []byte("x"))
	}
	c := client(t, s)
	s.Inject("GET", "/files", apitest.Refuse("RATE_LIMITED", ""))
	var names strings.Builder
	folder := lookup(t, c, "/docs")
	for node, err := range c.List(t.Context(), folder) {
		if err != nil {
			t.Fatal(err)
		}
		names.WriteString(node.DisplayName)
	}
	if names.String() != "012345678" {
		t.Errorf("got %q", names.String())
	}
	for _, err := range c.List(t.Context(), folder) {
		if err != nil {
			t.Error(err)
		}
		break // must not panic
	}
}

func TestReadsAreRepeated(t *testing.T) {
	for name, f := range map[string]apitest.Fault{
		"unavailable":      apitest.Refuse("UNAVAILABLE", "0"),
		"rate limited":     apitest.Refuse("RATE_LIMITED", ""),
		"deadline":         apitest.Refuse("DEADLINE_EXCEEDED", ""),
		"proxy 502":        apitest.Answer(http.StatusBadGateway),
		"proxy 503":        apitest.Answer(http.StatusServiceUnavailable),
		"no answer":        apitest.Cut(0),
		"half an answer":   apitest.CutAnswer(20, nil),
		"answer, no bytes": apitest.CutAnswer(0, nil),
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			c := client(t, s)
			lookup(t, c, "/")
			for range 3 {
				s.Inject("GET", ":lookup", f)
			}
			lookup(t, c, "/")
			if calls := len(s.Calls()); calls != 5 {
				t.Errorf("it took %d calls, want 5", calls)
			}
			for range 8 { // net/http itself repeats a request on a stale connection
				s.Inject("GET", ":lookup", f)
			}
			if _, err := c.Lookup(t.Context(), "/"); err == nil {
				t.Error("there are more repetitions than configured")
			}
		})
	}
}

func TestFinalFailuresAreNotRepeated(t *testing.T) {
	for name, test := range map[string]struct {
		fault  apitest.Fault
		reason fault.Reason
	}{
		"not found":      {apitest.Refuse("NOT_FOUND", ""), errorsv1.Reason_REASON_NOT_FOUND},
		"internal":       {apitest.Refuse("INTERNAL", ""), errorsv1.Reason_REASON_INTERNAL},
		"quota":          {apitest.Refuse("QUOTA_EXCEEDED", ""), errorsv1.Reason_REASON_QUOTA_EXCEEDED},
		"a long wait":    {apitest.Refuse("UNAVAILABLE", "3600"), errorsv1.Reason_REASON_UNAVAILABLE},
		"proxy 403":      {apitest.Answer(http.StatusForbidden), errorsv1.Reason_REASON_PERMISSION_DENIED},
		"proxy redirect": {apitest.Answer(http.StatusMovedPermanently), errorsv1.Reason_REASON_INTERNAL},
		"proxy teapot":   {apitest.Answer(http.StatusTeapot), errorsv1.Reason_REASON_INTERNAL},
		"not our JSON": {apitest.DamageAnswer(func([]byte) []byte { return []byte("<html>") }),
			errorsv1.Reason_REASON_INTERNAL},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			s.Inject("GET", ":lookup", test.fault)
			_, err := client(t, s).Lookup(t.Context(), "/")
			if fault.ReasonOf(err) != test.reason || err == nil {
				t.Errorf("got %v", err)
			}
			if calls := len(s.Calls()); calls != 1 {
				t.Errorf("it took %d calls", calls)
			}
		})
	}
}

// TestWritesHappenOnce loses the answers of calls that would fail when they
// happened a second time.
func TestWritesHappenOnce(t *testing.T) {
	s := apitest.New(t)
	c := client(t, s)
	root := lookup(t, c, "/")
	s.Inject("POST", "/files", apitest.LoseAnswer())
	folder := must(c.CreateFolder(t.Context(), root, "a b"))
	s.Inject("POST", ":move", apitest.LoseAnswer())
	folder = must(c.Move(t.Context(), folder, root, "c"))
	s.Inject("DELETE", folder.ID(), apitest.LoseAnswer())
	folder = must(c.Trash(t.Context(), folder))
	s.Inject("POST", ":undelete", apitest.LoseAnswer())
	folder = must(c.Undelete(t.Context(), folder, root, "d"))
	if tree := fmt.Sprint(s.Tree()); tree != "map[/d/:]" {
		t.Errorf("got %s", tree)
	}
	folder = must(c.Trash(t.Context(), folder))
	s.Inject("POST", ":purge", apitest.LoseAnswer())
	if err := c.Purge(t.Context(), folder); err != nil {
		t.Error(err)
	}
	if _, err := c.Node(t.Context(), folder.Name); !errors.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
}

func TestEtagsGuardWrites(t *testing.T) {
	s := apitest.New(t)
	c := client(t, s)
	s.Add("/a", []byte("1"))
	stale := lookup(t, c, "/a")
	s.Add("/a", []byte("2"))
	if _, err := c.Trash(t.Context(), stale); !errors.Is(err, fault.Precondition) {
		t.Errorf("trash: got %v", err)
	}
	if _, err := c.Move(t.Context(), stale, lookup(t, c, "/"), "b"); !errors.Is(err, fault.Precondition) {
		t.Errorf("move: got %v", err)
	}
}

// TestNobodyThere checks that a server that never answered is not waited for.
func TestNobodyThere(t *testing.T) {
	address := must(loopback.Free(1))[0]
	c := must(api.New(api.Config{Server: "http://" + address, Space: "default", Retries: 1000, FirstWait: time.Hour}))
	_, err := c.Lookup(t.Context(), "/")
	if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), address) {
		t.Errorf("got %v", err)
	}
}

func TestCancelledWait(t *testing.T) {
	s := apitest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.Inject("GET", ":lookup", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			apitest.Refuse("UNAVAILABLE", "60")(nil).ServeHTTP(w, r)
			cancel()
		})
	})
	if _, err := client(t, s).Lookup(ctx, "/"); err == nil {
		t.Error("want an error")
	}
}
