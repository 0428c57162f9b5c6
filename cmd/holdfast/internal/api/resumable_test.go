package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api/apitest"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// kept is a memory that a test looks into.
type kept struct{ location string }

func (k *kept) Load() string { return k.location }

func (k *kept) Save(location string) { k.location = location }

func (k *kept) Forget() { k.location = "" }

func resumable(path api.Path, p []byte, memory api.Memory) api.Resumable {
	return api.Resumable{
		Upload: announced(path, p), Memory: memory,
		From: func(offset int64) io.Reader { return bytes.NewReader(p[offset:]) },
	}
}

// Each thing that can happen to a request happens, up to three times, and there
// is one revision with the right bytes; what came is not sent again.
func TestUploadResumableSurvives(t *testing.T) {
	half := int64(len(contents) / 2)
	for name, f := range map[string]struct {
		method string
		fault  apitest.Fault
	}{
		"open refused":    {"POST", apitest.Refuse("UNAVAILABLE", "0")},
		"open lost":       {"POST", apitest.LoseAnswer()},
		"cut at once":     {"PATCH", apitest.Cut(0)},
		"cut midway":      {"PATCH", apitest.CutKept(half)},
		"a bit at a time": {"PATCH", apitest.CutKept(1000)},
		"nothing kept":    {"PATCH", apitest.Cut(half)},
		"answer lost":     {"PATCH", apitest.LoseAnswer()},
		"taken over":      {"PATCH", apitest.Refuse("UPLOAD_SUPERSEDED", "0")},
		"other offset":    {"PATCH", apitest.Refuse("OFFSET_MISMATCH", "")},
		"question lost":   {"HEAD", apitest.LoseAnswer()},
		"proxy":           {"PATCH", apitest.Answer(http.StatusBadGateway)},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			c := client(t, s)
			lookup(t, c, "/")
			times := 3
			if f.method == "HEAD" { // asked after a cut, which counts too
				times = 2
				s.Inject("PATCH", "/uploads", apitest.Cut(0))
			}
			for range times {
				s.Inject(f.method, "/uploads", f.fault)
			}
			var moved atomic.Int64
			memory := new(kept)
			u := resumable("/a", contents, memory)
			u.Moved = func(n int64) { moved.Add(n) }
			u.IfAbsent = true
			stored, err := c.UploadResumable(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			if !stored.Created || s.Tree()["/a"] != string(contents) || revisions(t, c) != 1 {
				t.Errorf("created %v, %d revisions", stored.Created, revisions(t, c))
			}
			if moved.Load() != int64(len(contents)) || memory.location != "" {
				t.Errorf("%d bytes counted, %q remembered", moved.Load(), memory.location)
			}
		})
	}
}

// Another run goes on where the first one was ended.
func TestUploadResumableAnew(t *testing.T) {
	s := apitest.New(t)
	memory := new(kept)
	ctx, cancel := context.WithCancel(t.Context())
	s.Inject("PATCH", "/uploads", apitest.CutKept(2_000_000))
	s.Inject("HEAD", "/uploads", apitest.Before(cancel))
	if _, err := client(t, s).UploadResumable(ctx, resumable("/a", contents, memory)); !errors.Is(err, context.Canceled) {
		t.Fatalf("ended by %v", err)
	}
	if memory.location == "" || s.Tree()["/a"] != "" {
		t.Fatalf("%q remembered, %d bytes there", memory.location, len(s.Tree()["/a"]))
	}
	before := len(s.Calls())
	if _, err := client(t, s).UploadResumable(t.Context(), resumable("/a", contents, memory)); err != nil {
		t.Fatal(err)
	}
	if s.Tree()["/a"] != string(contents) {
		t.Error("other bytes")
	}
	for _, call := range s.Calls()[before:] {
		if strings.HasPrefix(call, "POST") {
			t.Errorf("opened anew: %s", call)
		}
	}
}

// A run that was ended before it got the answer leaves an upload that is
// complete. The next one takes that for its own only while the path leads to what
// came of it.
func TestUploadResumableAfterItsEnd(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(t *testing.T, s *apitest.Server, c *api.Client)
		fault     apitest.Fault // of the look at the path
		ifAbsent  bool
		anew      bool
		created   bool
		refused   bool
	}{
		"untouched":                  {created: true},
		"untouched, once it is seen": {fault: apitest.Refuse("UNAVAILABLE", "0"), created: true},
		"trashed": {anew: true, created: true, meanwhile: func(t *testing.T, _ *apitest.Server, c *api.Client) {
			if _, err := c.Trash(t.Context(), lookup(t, c, "/a")); err != nil {
				t.Fatal(err)
			}
		}},
		"renamed": {anew: true, created: true, meanwhile: func(_ *testing.T, s *apitest.Server, _ *api.Client) {
			s.Rename("/a", "b")
		}},
		"written over": {anew: true, meanwhile: func(_ *testing.T, s *apitest.Server, _ *api.Client) {
			s.Add("/a", []byte("newer"))
		}},
		"written over, and must not be": {anew: true, ifAbsent: true, refused: true,
			meanwhile: func(_ *testing.T, s *apitest.Server, _ *api.Client) { s.Add("/a", []byte("newer")) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			memory := new(kept)
			ctx, cancel := context.WithCancel(t.Context())
			s.Inject("PATCH", "/uploads", apitest.LoseAnswer())
			s.Inject("HEAD", "/uploads", apitest.Before(cancel))
			u := resumable("/a", contents, memory)
			u.IfAbsent = test.ifAbsent
			if _, err := client(t, s).UploadResumable(ctx, u); !errors.Is(err, context.Canceled) {
				t.Fatalf("ended by %v", err)
			}
			if memory.location == "" || s.Tree()["/a"] != string(contents) {
				t.Fatalf("%q remembered, %d bytes there", memory.location, len(s.Tree()["/a"]))
			}
			c := client(t, s)
			if test.meanwhile != nil {
				test.meanwhile(t, s, c)
			}
			if test.fault != nil {
				s.Inject("GET", "/files:lookup", test.fault)
			}
			there := s.Tree()["/a"]
			before := len(s.Calls())
			stored, err := c.UploadResumable(t.Context(), u)
			anew := strings.Contains(strings.Join(s.Calls()[before:], "\n"), "POST ")
			if test.refused {
				if fault.ReasonOf(err).String() != "REASON_PRECONDITION_FAILED" || s.Tree()["/a"] != there || memory.location != "" {
					t.Errorf("%v, %v; %q remembered", stored, err, memory.location)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			node := lookup(t, c, "/a")
			if s.Tree()["/a"] != string(contents) || stored.Node.Revision != node.Revision || memory.location != "" {
				t.Errorf("%d bytes of %s are there, %s was stored; %q remembered",
					len(s.Tree()["/a"]), node.Revision, stored.Node.Revision, memory.location)
			}
			if anew != test.anew || stored.Created != test.created {
				t.Errorf("opened anew %v, created %v; want %v, %v", anew, stored.Created, test.anew, test.created)
			}
		})
	}
}

// An upload that the server has forgotten begins anew.
func TestUploadResumableGone(t *testing.T) {
	s := apitest.New(t)
	memory := &kept{"/v1/spaces/default/uploads/gone"}
	s.Inject("PATCH", "/uploads", apitest.Before(s.ForgetUploads))
	if _, err := client(t, s).UploadResumable(t.Context(), resumable("/a", contents, memory)); err != nil {
		t.Fatal(err)
	}
	if s.Tree()["/a"] != string(contents) || memory.location != "" {
		t.Errorf("%d bytes, %q remembered", len(s.Tree()["/a"]), memory.location)
	}
}

// Contents that were damaged on their way never become the file's.
func TestUploadResumableDamaged(t *testing.T) {
	s := apitest.New(t)
	memory := new(kept)
	s.Inject("PATCH", "/uploads", apitest.DamageBody())
	_, err := client(t, s).UploadResumable(t.Context(), resumable("/a", contents, memory))
	if !damagedErr(err) || memory.location != "" || len(s.Tree()) != 0 {
		t.Errorf("%v, %q remembered, %d things visible", err, memory.location, len(s.Tree()))
	}
}

func damagedErr(err error) bool {
	return err != nil && fault.ReasonOf(err).String() == "REASON_DIGEST_MISMATCH"
}

// What may pass by the hand of somebody is no reason to begin anew: once it has,
// the next run goes on.
func TestUploadResumableKept(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, f := range map[string]struct {
		method string
		fault  apitest.Fault
		from   func(offset int64) io.Reader
	}{
		"credential expired": {method: "HEAD", fault: apitest.Refuse("UNAUTHENTICATED", "")},
		"role lost":          {method: "HEAD", fault: apitest.Refuse("PERMISSION_DENIED", "")},
		"defect":             {method: "PATCH", fault: apitest.Refuse("INTERNAL", "")},
		"disk full":          {method: "PATCH", fault: apitest.Refuse("STORAGE_FULL", "")},
		"quota used up":      {method: "PATCH", fault: apitest.Refuse("QUOTA_EXCEEDED", "")},
		"portal in between":  {method: "HEAD", fault: apitest.Answer(http.StatusOK)},
		"redirected":         {method: "HEAD", fault: apitest.Answer(http.StatusFound)},
		"source broken": {from: func(offset int64) io.Reader {
			return io.MultiReader(bytes.NewReader(contents[offset:3_000_000]), readerFunc(func([]byte) (int, error) { return 0, broken }))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			memory := new(kept)
			u := resumable("/a", contents, memory)
			s.Inject("PATCH", "/uploads", apitest.CutKept(2_000_000))
			if f.fault != nil {
				s.Inject(f.method, "/uploads", f.fault)
			}
			if f.from != nil {
				u.From = f.from
			}
			if _, err := client(t, s).UploadResumable(t.Context(), u); err == nil {
				t.Fatal("want an error")
			}
			before := len(s.Calls())
			if _, err := client(t, s).UploadResumable(t.Context(), resumable("/a", contents, memory)); err != nil {
				t.Fatal(err)
			}
			calls := s.Calls()[before:]
			if len(calls) != 2 || !strings.HasPrefix(calls[0], "HEAD") || s.Tree()["/a"] != string(contents) {
				t.Errorf("%d bytes there after %v; want a HEAD and a PATCH", len(s.Tree()["/a"]), calls)
			}
		})
	}
}

// An upload that is another one than was remembered is forgotten, and left to
// whoever has it.
func TestUploadResumableOfAnother(t *testing.T) {
	s := apitest.New(t)
	memory := new(kept)
	s.Inject("PATCH", "/uploads", apitest.CutKept(2_000_000))
	s.Inject("HEAD", "/uploads", apitest.Refuse("INTERNAL", ""))
	if _, err := client(t, s).UploadResumable(t.Context(), resumable("/a", contents, memory)); err == nil || memory.location == "" {
		t.Fatalf("an upload that is cut: %v, %q remembered", err, memory.location)
	}
	if _, err := client(t, s).UploadResumable(t.Context(), resumable("/a", contents[:10], memory)); err == nil || memory.location != "" {
		t.Errorf("%v, %q remembered", err, memory.location)
	}
	if n := s.Uploads(); n != 1 {
		t.Errorf("%d uploads are left", n)
	}
}

// What nobody can go on with is given up on the server too, once: neither an
// interruption nor a server that refuses that keeps the client.
func TestUploadResumableGivenUp(t *testing.T) {
	for _, reason := range []string{"PRECONDITION_FAILED", "INVALID_ARGUMENT", "DIGEST_MISMATCH", "DATA_LOSS", "unsteady", "refused"} {
		t.Run(reason, func(t *testing.T) {
			s := apitest.New(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			memory, left := new(kept), 0
			u := resumable("/a", contents, memory)
			s.Inject("PATCH", "/uploads", apitest.CutKept(1_000_000))
			switch reason {
			case "unsteady":
				u.From = func(offset int64) io.Reader {
					return io.MultiReader(bytes.NewReader(contents[offset:2_000_000]), readerFunc(func([]byte) (int, error) {
						cancel()
						return 0, api.ErrUnsteady
					}))
				}
			case "refused":
				s.Inject("PATCH", "/uploads", apitest.Refuse("INVALID_ARGUMENT", ""))
				s.Inject("DELETE", "/uploads", apitest.Refuse("UNAVAILABLE", "0"))
				left = 1
			default:
				s.Inject("PATCH", "/uploads", apitest.Refuse(reason, ""))
			}
			if _, err := client(t, s).UploadResumable(ctx, u); err == nil {
				t.Fatal("want an error")
			}
			if n := s.Uploads(); n != left || memory.location != "" {
				t.Errorf("%d uploads are left, %q remembered", n, memory.location)
			}
			if n := strings.Count(strings.Join(s.Calls(), "\n"), "DELETE "); n != 1 {
				t.Errorf("given up %d times", n)
			}
		})
	}
}

// Whatever is taken and not kept is no progress: the repetitions come to an end.
func TestUploadResumableComesToAnEnd(t *testing.T) {
	const retries = 3 // of client
	for name, faults := range map[string][]apitest.Fault{
		"nothing kept":        {apitest.Cut(2 << 20)},
		"kept, and forgotten": {apitest.CutKept(2 << 20), apitest.Refuse("NOT_FOUND", "")},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			c := client(t, s)
			lookup(t, c, "/")
			for range 5 * retries {
				for _, f := range faults {
					s.Inject("PATCH", "/uploads", f)
				}
			}
			if stored, err := c.UploadResumable(t.Context(), resumable("/a", contents, new(kept))); err == nil {
				t.Errorf("stored %v at the end of the faults", stored.Node)
			}
		})
	}
}

// As long as there is progress there is no end to the repetitions.
func TestUploadResumableWhileItGoesOn(t *testing.T) {
	s := apitest.New(t)
	c := client(t, s)
	lookup(t, c, "/")
	long := bytes.Repeat(contents[:1<<20], 8)
	for range 7 {
		s.Inject("PATCH", "/uploads", apitest.CutKept(1<<20))
	}
	if _, err := c.UploadResumable(t.Context(), resumable("/a", long, new(kept))); err != nil {
		t.Fatal(err)
	}
	if s.Tree()["/a"] != string(long) {
		t.Error("other bytes")
	}
}
