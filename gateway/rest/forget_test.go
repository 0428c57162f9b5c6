package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
)

// An upload whose first bytes failed is given up unless the client knows its URL
// by then, or can ask for it.
func TestFailedCreationLeavesNoUpload(t *testing.T) {
	wrong := "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for name, c := range map[string]struct {
		fields []string
		status int
		left   int
	}{
		"tus":                  {offsetType("Tus-Resumable", "1.0.0", "Upload-Length", "9", "Upload-Checksum", wrong), 460, 0},
		"tus, again by key":    {offsetType("Tus-Resumable", "1.0.0", "Upload-Length", "9", "Upload-Checksum", wrong, "Idempotency-Key", "k"), 460, 1},
		"IETF":                 {[]string{"Upload-Complete", "?0", "Content-Digest", sha256Digest("other")}, 400, 0},
		"IETF, told by 104":    {[]string{"Upload-Complete", "?0", "Content-Digest", sha256Digest("other"), "Upload-Draft-Interop-Version", "8"}, 400, 1},
		"IETF, again by key":   {[]string{"Upload-Complete", "?0", "Content-Digest", sha256Digest("other"), "Idempotency-Key", "k"}, 400, 1},
		"nothing went wrong":   {offsetType("Tus-Resumable", "1.0.0", "Upload-Length", "9"), 201, 1},
		"refused at the start": {offsetType("Tus-Resumable", "1.0.0", "Upload-Length", "-9"), 400, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rest.Config{})
			a := r.do(http.MethodPost, uploadsURL, strings.NewReader("bytes"), c.fields...)
			a.wants(t, c.status)
			if left := len(r.world.uploads); left != c.left {
				t.Errorf("%d uploads are left, want %d", left, c.left)
			}
		})
	}
}

// A creation that is repeated while the earlier one is still storing its bytes
// tells those, too.
func TestCreationBesideItsEarlierSelf(t *testing.T) {
	for name, c := range map[string]struct {
		fields []string
		status int
	}{
		"tus":          {offsetType("Tus-Resumable", "1.0.0", "Upload-Length", "5", "Idempotency-Key", "k"), 201},
		"IETF, a part": {[]string{"Upload-Complete", "?0", "Idempotency-Key", "k"}, 201},
		"IETF, all":    {[]string{"Upload-Complete", "?1", "Idempotency-Key", "k"}, 409},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rest.Config{})
			r.do(http.MethodPost, uploadsURL, nil, "Upload-Complete", "?0", "Idempotency-Key", "k").wants(t, http.StatusCreated)
			r.world.late = []byte("by")
			a := r.do(http.MethodPost, uploadsURL, strings.NewReader("bytes"), c.fields...)
			a.wants(t, c.status)
			a.wantsField(t, "Upload-Offset", "2")
			a.wantsField(t, "Location", "/v1/spaces/default/uploads/u1")
		})
	}
}
