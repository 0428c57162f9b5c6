package rest_test

import (
	"bytes"
	"errors"
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
	n, err := p.Reader.Read(b[:min(len(b), 4<<10, p.rate)])
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

// What is read before anybody asks who the client is has to be there within the
// time of a call, however steadily it comes: JSON, the form with a password, and
// that of files before its first file. The files may take as long as they come.
func TestSlowTexts(t *testing.T) {
	cfg := rest.Config{Limits: rest.Limits{Call: 30 * time.Second, Stall: time.Minute}}
	inBubble(t, cfg, func(t *testing.T, r *rig) {
		const form, part = "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name="
		file := part + "file; filename=a.txt\r\n\r\n" + strings.Repeat("a", 64<<10) + "\r\n--x--\r\n"
		json := strings.Repeat(" ", 120<<10) + `{"displayName":"a","kind":"FOLDER"}`
		for name, c := range map[string]struct {
			path, contentType, text string
			rate, status            int
		}{
			"JSON":              {filesURL, "application/json", json, 1000, http.StatusRequestTimeout},
			"JSON in time":      {filesURL, "application/json", json, 5000, http.StatusCreated},
			"password":          {"/s/folder", "application/x-www-form-urlencoded", "password=" + strings.Repeat("x", 4000), 100, http.StatusRequestTimeout},
			"head of files":     {filesURL, form, strings.Repeat("\r\n", 20<<10) + file, 1000, http.StatusRequestTimeout},
			"path of files":     {filesURL, form, part + "path\r\n\r\n/" + strings.Repeat("x", 8000) + "\r\n" + file, 100, http.StatusRequestTimeout},
			"files":             {filesURL, form, file, 1000, http.StatusCreated},
			"files in a folder": {filesURL, form, part + "path\r\n\r\n/\r\n" + file, 1000, http.StatusCreated},
		} {
			begin := time.Now()
			a, err := r.try(http.MethodPost, c.path, paced{strings.NewReader(c.text), c.rate}, "Content-Type", c.contentType)
			if errors.Is(err, io.ErrClosedPipe) && c.status == http.StatusRequestTimeout && time.Since(begin) < 32*time.Second {
				continue // a client that still writes may see that before the answer
			}
			if err != nil {
				t.Errorf("%s: %v after %v", name, err, time.Since(begin))
				continue
			}
			if a.StatusCode != c.status {
				t.Errorf("%s: %s after %v: %s", name, a.Status, time.Since(begin), a.body)
				continue
			}
			if took := time.Since(begin); c.status == http.StatusRequestTimeout && took > 32*time.Second { // of the bubble
				t.Errorf("%s: %s after %v", name, a.Status, took)
			}
			if c.status == http.StatusRequestTimeout {
				if reason, message := a.errorOf(t); reason != "DEADLINE_EXCEEDED" || !strings.Contains(message, "not whole within 30s") {
					t.Errorf("%s: %s, %s", name, reason, message)
				}
			}
		}
		time.Sleep(time.Minute) //nolint:forbidigo // of the bubble, for the body that is being written yet
	})
}
