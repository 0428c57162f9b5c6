package rest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/gateway/rest"
)

// paced is read a piece at a time, each after a pause that is of the bubble.
type paced struct {
	io.Reader
	piece int
	pause time.Duration
}

func (p paced) Read(b []byte) (int, error) {
	time.Sleep(p.pause) //nolint:forbidigo // of the bubble
	return p.Reader.Read(b[:min(len(b), p.piece)])
}

// A long request goes on after its client was told that it can resume it, for as
// long as its body comes, though nothing more is written.
func TestUploadGoesOnAfterHint(t *testing.T) {
	inBubble(t, rest.Config{}, func(t *testing.T, r *rig) {
		text := strings.Repeat("0123456789abcdef", 16<<10)
		body := paced{strings.NewReader(text), 4 << 10, 10 * time.Second}
		// The world tells of no progress before it has verified a digest.
		a := r.do(http.MethodPut, pathA, body, "Upload-Complete", "?1", "Upload-Draft-Interop-Version", "8", "Content-Digest", sha256Digest(text))
		a.wants(t, http.StatusCreated)
		if got := r.get(pathA); string(got.body) != text {
			t.Errorf("stored %d bytes, sent %d", len(got.body), len(text))
		}
	})
}
