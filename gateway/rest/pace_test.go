package rest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/gateway/rest"
)

// paced is read with so many bytes a second, in the time of the bubble.
type paced struct {
	io.Reader
	rate int
}

func (p paced) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b[:min(len(b), 4<<10)])
	time.Sleep(time.Second * time.Duration(n) / time.Duration(p.rate)) //nolint:forbidigo // of the bubble
	return n, err
}

// A long request goes on after its client was told that it can resume it, for as
// long as its body comes, though nothing more is written.
func TestUploadGoesOnAfterHint(t *testing.T) {
	inBubble(t, rest.Config{}, func(t *testing.T, r *rig) {
		text := strings.Repeat("0123456789abcdef", 16<<10)
		body := paced{strings.NewReader(text), 400}
		// The world tells of no progress before it has verified a digest.
		a := r.do(http.MethodPut, pathA, body, "Upload-Complete", "?1", "Upload-Draft-Interop-Version", "8", "Content-Digest", sha256Digest(text))
		a.wants(t, http.StatusCreated)
		if got := r.get(pathA); string(got.body) != text {
			t.Errorf("stored %d bytes, sent %d", len(got.body), len(text))
		}
	})
}

// Whoever takes a kilobyte a second gets every answer, however long, and whoever
// takes much less does not.
func TestSlowReaders(t *testing.T) {
	cfg := rest.Config{Limits: rest.Limits{Stall: 10 * time.Second}}
	inBubble(t, cfg, func(t *testing.T, r *rig) {
		long := strings.Repeat("a long name ", 20)
		for i := range 400 {
			r.world.put(fmt.Sprintf("/%s%d", long, i), "", "")
		}
		r.world.put("/large", "", strings.Repeat("0123456789abcdef", 40<<10))
		const large = "/v1/spaces/default/paths/large"
		for _, path := range []string{filesURL, "/docs", "/openapi.json", large} {
			want := r.get(path)
			want.wants(t, http.StatusOK)
			if got, err := r.slowly(path, 1100); err != nil || !bytes.Equal(got, want.body) {
				t.Errorf("%s: %d of %d bytes came, %v", path, len(got), len(want.body), err)
			}
		}
		for _, path := range []string{filesURL, large} {
			if got, err := r.slowly(path, 400); err == nil {
				t.Errorf("%s: all of %d bytes were waited for", path, len(got))
			}
		}
	})
}

// slowly reads an answer with so many bytes a second.
func (r *rig) slowly(path string, rate int) ([]byte, error) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.addr+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	return io.ReadAll(paced{resp.Body, rate})
}

// A download waits for storage as long as that takes, before its first byte and
// between two: it is not the client who is slow.
func TestSlowStorage(t *testing.T) {
	inBubble(t, rest.Config{}, func(t *testing.T, r *rig) {
		r.world.put("/large", "", strings.Repeat("0123456789abcdef", 16<<10))
		r.world.make(trouble{pause: func() { time.Sleep(5 * time.Minute) }}) //nolint:forbidigo // of the bubble
		for _, ranges := range []string{"bytes=0-", "bytes=0-99999,200000-209999,0-9"} {
			a := r.get("/v1/spaces/default/paths/large", "Range", ranges)
			a.wants(t, http.StatusPartialContent)
		}
	})
}

// pausing pauses before each read but the first.
type pausing struct {
	io.Reader
	pause func()
	begun bool
}

func (p *pausing) Read(b []byte) (int, error) {
	if p.begun {
		p.pause()
	}
	p.begun = true
	return p.Reader.Read(b)
}

// An upload waits for storage likewise: as long as nobody reads its body it is not
// the client who is slow.
func TestUploadToSlowStorage(t *testing.T) {
	inBubble(t, rest.Config{}, func(t *testing.T, r *rig) {
		r.world.make(trouble{pause: func() { time.Sleep(5 * time.Minute) }}) //nolint:forbidigo // of the bubble
		r.put(pathA, strings.Repeat("0123456789abcdef", 128<<10)).wants(t, http.StatusCreated)
	})
}
