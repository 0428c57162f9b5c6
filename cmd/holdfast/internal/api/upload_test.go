package api_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api/apitest"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// contents are long enough that a cut in the middle is one.
var contents = bytes.Repeat([]byte("0123456789abcdef"), 200_000)

func upload(path api.Path, p []byte) api.Upload {
	return api.Upload{
		Path: path, SizeBytes: int64(len(p)),
		Body: func() io.Reader { return bytes.NewReader(p) },
	}
}

func announced(path api.Path, p []byte) api.Upload {
	u := upload(path, p)
	sum := sha256.Sum256(p)
	u.SHA256 = sum[:]
	return u
}

func unknownLength(path api.Path, p []byte) api.Upload {
	u := upload(path, p)
	u.SizeBytes = -1
	return u
}

func TestUpload(t *testing.T) {
	for name, u := range map[string]api.Upload{
		"plain":          upload("/d/a #1?.bin", contents),
		"announced":      announced("/d/a #1?.bin", contents),
		"unknown length": unknownLength("/d/a #1?.bin", contents),
		"small":          upload("/d/a #1?.bin", []byte("x")),
		"empty":          upload("/d/a #1?.bin", nil),
		"empty, unknown": unknownLength("/d/a #1?.bin", nil),
		"empty, known":   announced("/d/a #1?.bin", nil),
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			var moved atomic.Int64
			u.Moved = func(n int64) { moved.Add(n) }
			stored, err := client(t, s).Upload(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			want := must(io.ReadAll(u.Body()))
			if !stored.Created || stored.Node.DisplayName != "a #1?.bin" || s.Tree()["/d/a #1?.bin"] != string(want) {
				t.Errorf("got %+v", stored.Node)
			}
			if moved.Load() != int64(len(want)) {
				t.Errorf("%d bytes moved", moved.Load())
			}
			stored, err = client(t, s).Upload(t.Context(), u)
			if err != nil || stored.Created {
				t.Errorf("again: %+v, %v", stored, err)
			}
		})
	}
}

// TestUploadSurvives lets each thing happen that can happen to an upload on
// its way, up to three times, and expects one revision with the right bytes.
func TestUploadSurvives(t *testing.T) {
	for name, f := range map[string]apitest.Fault{
		"unavailable":       apitest.Refuse("UNAVAILABLE", "0"),
		"cut at once":       apitest.Cut(0),
		"cut midway":        apitest.Cut(int64(len(contents) / 2)),
		"cut at the end":    apitest.Cut(int64(len(contents))),
		"answer lost":       apitest.LoseAnswer(),
		"answer cut":        apitest.CutAnswer(30, nil),
		"proxy out of time": apitest.Answer(http.StatusGatewayTimeout),
	} {
		for kind, upload := range map[string]func(api.Path, []byte) api.Upload{
			"plain": upload, "announced": announced, "unknown length": unknownLength,
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				s := apitest.New(t)
				c := client(t, s)
				lookup(t, c, "/")
				for range 3 {
					s.Inject("PUT", "/a", f)
				}
				var moved atomic.Int64
				u := upload("/a", contents)
				u.Moved = func(n int64) { moved.Add(n) }
				u.IfAbsent = true
				stored, err := c.Upload(t.Context(), u)
				if err != nil {
					t.Fatal(err)
				}
				if !stored.Created || s.Tree()["/a"] != string(contents) || revisions(t, c) != 1 {
					t.Errorf("created %v, %d revisions", stored.Created, revisions(t, c))
				}
				if moved.Load() != int64(len(contents)) {
					t.Errorf("%d bytes counted", moved.Load())
				}
			})
		}
	}
}

// revisions returns how many revisions /a has.
func revisions(t *testing.T, c *api.Client) int {
	t.Helper()
	n := 0
	for _, err := range c.Revisions(t.Context(), lookup(t, c, "/a")) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestUploadRepairs flips a bit on the way. An announced digest keeps the
// damage from being stored; without one the damaged revision is replaced.
func TestUploadRepairs(t *testing.T) {
	for name, test := range map[string]struct {
		upload    api.Upload
		revisions int
	}{
		"announced": {announced("/a", contents), 1},
		"plain":     {upload("/a", contents), 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			c := client(t, s)
			s.Inject("PUT", "/a", apitest.DamageBody())
			test.upload.IfAbsent = true
			stored, err := c.Upload(t.Context(), test.upload)
			if err != nil || !stored.Created {
				t.Fatalf("got %+v, %v", stored, err)
			}
			if s.Tree()["/a"] != string(contents) || revisions(t, c) != test.revisions {
				t.Errorf("%d revisions", revisions(t, c))
			}

			s.Inject("PUT", "/b", apitest.DamageBody())
			s.Inject("PUT", "/b", apitest.DamageBody())
			test.upload.Path = "/b"
			_, err = c.Upload(t.Context(), test.upload)
			if fault.ReasonOf(err) != errorsv1.Reason_REASON_DIGEST_MISMATCH {
				t.Errorf("damaged twice: got %v", err)
			}
		})
	}
}

// TestUploadRepairSparesNewerContents lets somebody else write between the
// damaged upload and its repair.
func TestUploadRepairSparesNewerContents(t *testing.T) {
	s := apitest.New(t)
	c := client(t, s)
	s.Inject("PUT", "/a", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			apitest.DamageBody()(next).ServeHTTP(w, r)
			s.Add("/a", []byte("newer"))
		})
	})
	if _, err := c.Upload(t.Context(), upload("/a", contents)); !errors.Is(err, fault.Precondition) {
		t.Errorf("got %v", err)
	}
	if s.Tree()["/a"] != "newer" {
		t.Error("what was written since is gone")
	}
}

// TestUploadBelievesNoAnswer has the server claim another digest, or none.
func TestUploadBelievesNoAnswer(t *testing.T) {
	wrong := func(body []byte) []byte {
		return bytes.Replace(body, []byte(`"sha256":"`), []byte(`"sha256":"0`), 1)
	}
	none := func(body []byte) []byte { return bytes.Replace(body, []byte(`"sha256"`), []byte(`"labels_"`), 1) }
	for name, change := range map[string]func([]byte) []byte{"wrong": wrong, "none": none} {
		s := apitest.New(t)
		s.Inject("PUT", "/a", apitest.DamageAnswer(change))
		s.Inject("PUT", "/a", apitest.DamageAnswer(change))
		_, err := client(t, s).Upload(t.Context(), upload("/a", contents))
		if fault.ReasonOf(err) != errorsv1.Reason_REASON_DIGEST_MISMATCH {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestUploadIfAbsent(t *testing.T) {
	s := apitest.New(t)
	s.Add("/a", []byte("old"))
	u := upload("/a", contents)
	u.IfAbsent = true
	if _, err := client(t, s).Upload(t.Context(), u); !errors.Is(err, fault.Precondition) {
		t.Errorf("got %v", err)
	}
	if s.Tree()["/a"] != "old" {
		t.Error("it was replaced")
	}
}

// TestUploadAsksFirst checks that large contents are not sent to a server that
// does not want them.
func TestUploadAsksFirst(t *testing.T) {
	s := apitest.New(t)
	s.Inject("PUT", "/a", apitest.Refuse("QUOTA_EXCEEDED", ""))
	var moved atomic.Int64
	u := upload("/a", contents)
	u.Body = func() io.Reader {
		return readerFunc(func([]byte) (int, error) { moved.Add(1); return 0, io.EOF })
	}
	_, err := client(t, s).Upload(t.Context(), u)
	if fault.ReasonOf(err) != errorsv1.Reason_REASON_QUOTA_EXCEEDED || moved.Load() != 0 {
		t.Errorf("got %v after %d reads", err, moved.Load())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestUploadOfBrokenSource checks that the error of the source comes back and
// nothing is visible.
func TestUploadOfBrokenSource(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, u := range map[string]api.Upload{"plain": upload("/a", contents), "unknown length": unknownLength("/a", contents)} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			u.Body = func() io.Reader {
				return io.MultiReader(bytes.NewReader(contents[:len(contents)/2]),
					readerFunc(func([]byte) (int, error) { return 0, broken }))
			}
			if _, err := client(t, s).Upload(t.Context(), u); !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
			if len(s.Tree()) != 0 {
				t.Errorf("got %d files", len(s.Tree()))
			}
		})
	}
}

// TestUploadOfPipe checks that what can be read once is sent once.
func TestUploadOfPipe(t *testing.T) {
	s := apitest.New(t)
	u := unknownLength("/a", contents)
	u.Once = true
	s.Inject("PUT", "/a", apitest.Cut(100))
	if _, err := client(t, s).Upload(t.Context(), u); !errors.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	if calls := len(s.Calls()); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

// TestStalledUpload checks that a server which takes nothing more is given up.
func TestStalledUpload(t *testing.T) {
	s := apitest.New(t)
	c := must(api.New(api.Config{Server: s.URL, Space: "default", Retries: 9, FirstWait: time.Millisecond, Patience: 50 * time.Millisecond}))
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	s.Inject("PUT", "/a", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 1)
			<-release
		})
	})
	endless := api.Upload{Path: "/a", SizeBytes: 1 << 40, Body: func() io.Reader {
		return readerFunc(func(p []byte) (int, error) { return len(p), nil })
	}}
	for range 9 {
		s.Inject("PUT", "/a", apitest.Refuse("QUOTA_EXCEEDED", ""))
	}
	_, err := c.Upload(t.Context(), endless)
	if fault.ReasonOf(err) != errorsv1.Reason_REASON_QUOTA_EXCEEDED {
		t.Errorf("got %v", err)
	}
}
