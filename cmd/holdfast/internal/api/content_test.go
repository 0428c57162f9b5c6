package api_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api/apitest"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

func download(t *testing.T, c *api.Client, source api.Source) ([]byte, error) {
	t.Helper()
	content, err := c.Open(t.Context(), source)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	p, err := io.ReadAll(content)
	if err == nil && int64(len(p)) != content.SizeBytes {
		t.Errorf("read %d of %d bytes", len(p), content.SizeBytes)
	}
	return p, err
}

func TestDownload(t *testing.T) {
	s := apitest.New(t)
	s.Add("/a b%", contents)
	s.Add("/empty", nil)
	c := client(t, s)
	size := int64(len(contents))
	for name, test := range map[string]struct {
		source api.Source
		want   []byte
	}{
		"by path":     {api.Source{Path: "/a b%"}, contents},
		"by name":     {api.Source{Name: lookup(t, c, "/a b%").Name}, contents},
		"empty":       {api.Source{Path: "/empty"}, nil},
		"from offset": {api.Source{Path: "/a b%", OffsetBytes: 5}, contents[5:]},
		"a part":      {api.Source{Path: "/a b%", OffsetBytes: 5, LengthBytes: 7}, contents[5:12]},
		"the start":   {api.Source{Path: "/a b%", LengthBytes: 3}, contents[:3]},
		"past end":    {api.Source{Path: "/a b%", OffsetBytes: size - 2, LengthBytes: 100}, contents[size-2:]},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := download(t, c, test.source)
			if err != nil || !bytes.Equal(got, test.want) {
				t.Errorf("got %d bytes, want %d; %v", len(got), len(test.want), err)
			}
		})
	}
	_, err := download(t, c, api.Source{Path: "/a b%", OffsetBytes: size})
	if fault.ReasonOf(err) != errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE {
		t.Errorf("got %v", err)
	}
}

// TestDownloadResumes cuts the download again and again.
func TestDownloadResumes(t *testing.T) {
	for name, source := range map[string]api.Source{
		"whole": {Path: "/a"},
		"part":  {Path: "/a", OffsetBytes: 100, LengthBytes: 3_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			s.Add("/a", contents)
			c := client(t, s)
			lookup(t, c, "/")
			s.Inject("GET", "/a", apitest.Cut(0))
			s.Inject("GET", "/a", apitest.CutAnswer(1_100_000, nil))
			s.Inject("GET", "/a", apitest.Refuse("UNAVAILABLE", "0"))
			s.Inject("GET", "/a", apitest.CutAnswer(0, nil))
			s.Inject("GET", "/a", apitest.CutAnswer(1_100_000, nil))
			got, err := download(t, c, source)
			want := contents
			if source.LengthBytes > 0 {
				want = contents[100:3_000_100]
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if calls := len(s.Calls()); calls != 7 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

func TestDownloadGivesUp(t *testing.T) {
	s := apitest.New(t)
	s.Add("/a", contents)
	c := client(t, s)
	lookup(t, c, "/")
	for range 4 {
		s.Inject("GET", "/a", apitest.CutAnswer(10, nil))
	}
	got, err := download(t, c, api.Source{Path: "/a"})
	if !errors.Is(err, fault.Unavailable) || len(got) != 40 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// TestDownloadNeverMixes changes or removes the file when the download is cut.
func TestDownloadNeverMixes(t *testing.T) {
	for name, change := range map[string]func(*apitest.Server){
		"changed": func(s *apitest.Server) { s.Add("/a", bytes.ToUpper(contents)) },
		"renamed": func(s *apitest.Server) { s.Rename("/a", "b") },
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			s.Add("/a", contents)
			s.Inject("GET", "/a", apitest.CutAnswer(1000, func() { change(s) }))
			got, err := download(t, client(t, s), api.Source{Path: "/a"})
			if !errors.Is(err, api.ErrChanged) || !bytes.Equal(got, contents[:1000]) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
}

// TestDownloadIsVerified has the bytes differ from their digest.
func TestDownloadIsVerified(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"flipped":   func(p []byte) []byte { p[len(p)/2] ^= 1; return p },
		"truncated": func(p []byte) []byte { return p[:len(p)-1] },
		"longer":    func(p []byte) []byte { return append(p, 0) },
		"emptied":   func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			s.Add("/a", contents)
			s.Inject("GET", "/a", apitest.DamageAnswer(change))
			_, err := download(t, client(t, s), api.Source{Path: "/a"})
			if fault.ReasonOf(err) != errorsv1.Reason_REASON_DIGEST_MISMATCH {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestStalledDownloadResumes(t *testing.T) {
	s := apitest.New(t)
	s.Add("/a", contents)
	c := must(api.New(api.Config{Server: s.URL, Space: "default", Retries: 1000, FirstWait: time.Millisecond, Patience: 100 * time.Millisecond}))
	s.Inject("GET", "/a", apitest.Stall(1000))
	got, err := download(t, c, api.Source{Path: "/a"})
	if err != nil || !bytes.Equal(got, contents) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// TestOddServers checks that answers which break the contract are not taken.
func TestOddServers(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"all instead of a part": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			_, _ = w.Write([]byte("abc"))
		},
		"chunked": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("abc"))
			_ = http.NewResponseController(w).Flush()
		},
		"another part": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 7-9/10")
			w.Header().Set("Content-Length", "3")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte("abc"))
		},
		"no range": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte("abc"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			s.Inject("GET", "/a", func(http.Handler) http.Handler { return answer })
			if _, err := download(t, client(t, s), api.Source{Path: "/a", OffsetBytes: 1}); err == nil {
				t.Error("want an error")
			}
		})
	}
}
