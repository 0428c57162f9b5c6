package rest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
)

func partialType(more ...string) []string {
	return append([]string{"Content-Type", "application/partial-upload"}, more...)
}

func sha256Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// limits returns what stands in Upload-Limit beside the lifetime, which no two
// answers share.
func wantsLimit(t *testing.T, a answer, key string) {
	t.Helper()
	limit := a.Header.Get("Upload-Limit")
	if !strings.HasPrefix(limit, "max-size=5497558138880, "+key+"=") {
		t.Errorf("Upload-Limit: %q, want it to have %s", limit, key)
	}
}

func TestIETF(t *testing.T) {
	for name, steps := range map[string][]step{
		"careful creation": {
			{"POST", uploadsURL + "?path=/a", "", []string{"Upload-Complete", "?0", "Upload-Length", "5", "Content-Type", "text/plain"}, 201, []string{"Location", "/v1/spaces/default/uploads/u1", "Upload-Complete", "?0", "Upload-Offset", "0", "Cache-Control", "no-store"}},
			{"HEAD", "$1", "", nil, 204, []string{"Upload-Offset", "0", "Upload-Complete", "?0", "Upload-Length", "5", "Cache-Control", "no-store"}},
			{"PATCH", "$1", "he", partialType("Upload-Offset", "0", "Upload-Complete", "?0"), 204, []string{"Upload-Complete", "?0", "Upload-Offset", "2"}},
			{"PATCH", "$1", "llo", partialType("Upload-Offset", "2", "Upload-Complete", "?1"), 201, []string{"Upload-Complete", "?1", "Upload-Offset", "5", "Location", "/v1/spaces/default/files/f2", "Etag", `"f2-r1"`, "Content-Type", "application/json"}},
			{"HEAD", "$1", "", nil, 204, []string{"Upload-Offset", "5", "Upload-Complete", "?1", "Upload-Length", "5", "Content-Location", "/v1/spaces/default/files/f2", "Upload-Limit", "-"}},
			{"GET", "/v1/spaces/default/paths/a", "", nil, 200, []string{"Content-Type", "text/plain", "Content-Length", "5"}},
		},
		"unknown length": {
			{"POST", uploadsURL, "ab", []string{"Upload-Complete", "?0"}, 201, []string{"Upload-Offset", "2", "Upload-Complete", "?0"}},
			{"HEAD", "$1", "", nil, 204, []string{"Upload-Length", "-"}},
			{"PATCH", "$1", "", partialType("Upload-Offset", "2", "Upload-Complete", "?1"), 201, []string{"Upload-Complete", "?1"}},
			{"HEAD", "$1", "", nil, 204, []string{"Upload-Length", "2", "Upload-Complete", "?1"}},
		},
		"in one request": {
			{"POST", uploadsURL + "?path=/a", "abc", []string{"Upload-Complete", "?1"}, 201, []string{"Location", "/v1/spaces/default/files/f2", "Upload-Complete", "?1", "Etag", `"f2-r1"`}},
			{"POST", uploadsURL + "?path=/a", "abcd", []string{"Upload-Complete", "?1"}, 200, []string{"Location", "/v1/spaces/default/files/f2", "Upload-Complete", "?1"}},
			{"POST", uploadsURL + "?path=/empty", "", []string{"Upload-Complete", "?1"}, 201, []string{"Upload-Complete", "?1", "Upload-Offset", "0"}},
			{"PUT", "/v1/spaces/default/paths/b", "abc", []string{"Upload-Complete", "?1"}, 201, []string{"Upload-Complete", "?1", "Etag", `"f9-r1"`}},
			{"PUT", "/v1/spaces/default/files/f9/content", "abc", []string{"Upload-Complete", "?1", "Upload-Draft-Interop-Version", "8"}, 200, []string{"Upload-Complete", "?1", "Etag", `"f9-r2"`}},
			{"PUT", "/v1/spaces/default/paths/c", "abc", []string{"Upload-Complete", "yes"}, 201, nil},
		},
		"opened by PUT": {
			{"PUT", "/v1/spaces/default/paths/d/e", "abc", []string{"Upload-Complete", "?0", "If-None-Match", "*"}, 201, []string{"Location", "/v1/spaces/default/uploads/u1", "Upload-Offset", "3"}},
			{"PATCH", "$1", "def", partialType("Upload-Offset", "3", "Upload-Complete", "?1"), 201, []string{"Location", "/v1/spaces/default/files/f2"}},
			{"PUT", "/v1/spaces/default/paths/d/e", "abc", []string{"Upload-Complete", "?0", "If-None-Match", "*"}, 412, []string{"Content-Type", "application/problem+json"}},
			{"PUT", "/v1/spaces/default/paths/d/e", "abc", []string{"Upload-Complete", "?0", "Content-Range", "bytes 0-2/6"}, 400, nil},
		},
		"held open": {
			{"POST", uploadsURL + "?path=/held", "abcd", []string{"Upload-Complete", "?0", "Upload-Length", "4"}, 201, []string{"Upload-Complete", "?0", "Upload-Offset", "4"}},
			{"GET", "/v1/spaces/default/paths/held", "", nil, 404, nil},
			{"HEAD", "$1", "", nil, 204, []string{"Upload-Complete", "?0", "Upload-Offset", "4", "Upload-Length", "4"}},
			{"PATCH", "$1", "", partialType("Upload-Offset", "4", "Upload-Complete", "?0"), 204, []string{"Upload-Complete", "?0"}},
			{"PATCH", "$1", "", partialType("Upload-Offset", "4", "Upload-Complete", "?1"), 201, []string{"Upload-Complete", "?1"}},
			{"GET", "/v1/spaces/default/paths/held", "", nil, 200, []string{"Content-Length", "4"}},
			{"POST", uploadsURL + "?path=/nothing", "", []string{"Upload-Complete", "?0", "Upload-Length", "0"}, 201, []string{"Upload-Complete", "?0"}},
			{"GET", "/v1/spaces/default/paths/nothing", "", nil, 404, nil},
			{"PATCH", "$2", "", partialType("Upload-Offset", "0", "Upload-Complete", "?1"), 201, []string{"Upload-Complete", "?1"}},
			{"POST", uploadsURL + "?path=/tus", "abcd", []string{"Upload-Complete", "?0", "Upload-Length", "4"}, 201, nil},
			{"HEAD", "$3", "", tusMark, 200, []string{"Upload-Offset", "4", "Upload-Length", "4"}},
			{"GET", "/v1/spaces/default/paths/tus", "", nil, 200, []string{"Content-Length", "4"}},
		},
		"the same creation again, all of it": {
			{"PUT", "/v1/spaces/default/paths/again", "abc", []string{"Upload-Complete", "?1", "Upload-Draft-Interop-Version", "8", "Idempotency-Key", "k"}, 201, []string{"Upload-Complete", "?1", "Etag", `"f2-r1"`}},
			{"PUT", "/v1/spaces/default/paths/again", "abc", []string{"Upload-Complete", "?1", "Upload-Draft-Interop-Version", "8", "Idempotency-Key", "k"}, 201, []string{"Upload-Complete", "?1", "Upload-Offset", "3", "Etag", `"f2-r1"`}},
			{"PATCH", "/v1/spaces/default/uploads/u1", "x", partialType("Upload-Offset", "0", "Upload-Complete", "?1"), 409, []string{"Upload-Offset", "3", "Upload-Complete", "-"}},
		},
		"the same creation again, some of it": {
			{"POST", uploadsURL + "?path=/again", "abc", []string{"Upload-Complete", "?0", "Idempotency-Key", "k"}, 201, []string{"Location", "/v1/spaces/default/uploads/u1", "Upload-Offset", "3"}},
			{"POST", uploadsURL + "?path=/again", "abcdef", []string{"Upload-Complete", "?0", "Idempotency-Key", "k"}, 201, []string{"Location", "/v1/spaces/default/uploads/u1", "Upload-Offset", "3", "Upload-Complete", "?0"}},
			{"POST", uploadsURL + "?path=/again", "abcdef", []string{"Upload-Complete", "?1", "Idempotency-Key", "k"}, 409, []string{"Location", "/v1/spaces/default/uploads/u1", "Upload-Offset", "3", "Upload-Complete", "?0", "Content-Type", "application/problem+json"}},
			{"PATCH", "$1", "def", partialType("Upload-Offset", "3", "Upload-Complete", "?1"), 201, []string{"Upload-Complete", "?1", "Upload-Offset", "6"}},
		},
		"cancellation": {
			{"POST", uploadsURL, "", []string{"Upload-Complete", "?0"}, 201, nil},
			{"DELETE", "$1", "", nil, 204, nil},
			{"HEAD", "$1", "", nil, 404, []string{"Upload-Offset", "-"}},
		},
		"digests": {
			{"POST", uploadsURL, "", []string{"Upload-Complete", "?0", "Repr-Digest", sha256Digest("abcdef")}, 201, nil},
			{"PATCH", "$1", "abc", partialType("Upload-Offset", "0", "Upload-Complete", "?0", "Content-Digest", sha256Digest("abd")), 400, nil},
			{"PATCH", "$1", "abc", partialType("Upload-Offset", "0", "Upload-Complete", "?0", "Content-Digest", sha256Digest("abc")), 204, []string{"Upload-Offset", "3"}},
			{"PATCH", "$1", "dex", partialType("Upload-Offset", "3", "Upload-Complete", "?1"), 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Complete", "?0", "Repr-Digest", "sha-512=:" + base64.StdEncoding.EncodeToString(make([]byte, 64)) + ":"}, 400, nil},
			{"PUT", "/v1/spaces/default/paths/a", "abc", []string{"Upload-Complete", "?1", "Upload-Draft-Interop-Version", "8", "Repr-Digest", "sha-512=:" + base64.StdEncoding.EncodeToString(make([]byte, 64)) + ":"}, 201, nil},
		},
		"refused": {
			{"POST", uploadsURL, "", nil, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Complete", "true"}, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Complete", "?0", "Upload-Length", "5497558138881"}, 413, []string{"Upload-Limit", "max-size=5497558138880"}},
			{"POST", uploadsURL, "abc", []string{"Upload-Complete", "?1", "Upload-Length", "4"}, 400, nil},
			{"POST", uploadsURL, "abc", []string{"Upload-Complete", "?0", "Content-Encoding", "br"}, 415, nil},
			{"POST", uploadsURL, "abc", []string{"Upload-Complete", "?0"}, 201, nil},
			{"PATCH", "$1", "x", []string{"Upload-Offset", "3", "Upload-Complete", "?0"}, 415, []string{"Accept-Patch", "application/partial-upload, application/offset+octet-stream"}},
			{"PATCH", "$1", "x", partialType("Upload-Complete", "?0"), 400, nil},
			{"PATCH", "$1", "x", partialType("Upload-Offset", "3"), 400, nil},
			{"PATCH", "$1", "x", partialType("Upload-Offset", "-3", "Upload-Complete", "?0"), 400, nil},
			{"PATCH", "$1", "x", partialType("Upload-Offset", "1", "Upload-Complete", "?0"), 409, []string{"Upload-Offset", "3", "Upload-Complete", "?0"}},
		},
		"either protocol continues": {
			{"POST", uploadsURL, "", []string{"Tus-Resumable", "1.0.0", "Upload-Length", "4"}, 201, nil},
			{"PATCH", "$1", "ab", partialType("Upload-Offset", "0", "Upload-Complete", "?0"), 204, []string{"Tus-Resumable", "-"}},
			{"HEAD", "$1", "", tusMark, 200, []string{"Upload-Offset", "2", "Upload-Complete", "-"}},
			{"PATCH", "$1", "cd", offsetType("Upload-Offset", "2"), 412, []string{"Tus-Version", "1.0.0"}},
			{"PATCH", "$1", "cd", offsetType("Upload-Offset", "2", "Tus-Resumable", "1.0.0"), 204, nil},
		},
		"as tus-js-client speaks it after a cut": {
			{"POST", uploadsURL, "ab", partialType("Upload-Draft-Interop-Version", "6", "Upload-Complete", "?0", "Upload-Length", "4", "Upload-Metadata", metadataOf("filename", "y")), 201, []string{"Upload-Offset", "2"}},
			{"PATCH", "$1", "cd", partialType("Upload-Draft-Interop-Version", "6", "Upload-Offset", "2", "Upload-Complete", "?0"), 204, []string{"Upload-Offset", "4", "Upload-Complete", "?1"}},
			{"GET", "/v1/spaces/default/paths/y", "", nil, 200, []string{"Content-Length", "4"}},
		},
		"as tus-js-client speaks it": {
			{"POST", uploadsURL, "ab", partialType("Upload-Draft-Interop-Version", "6", "Upload-Complete", "?0", "Upload-Length", "4", "Upload-Metadata", metadataOf("filename", "x", "filetype", "text/css")), 201, []string{"Upload-Offset", "2"}},
			{"PATCH", "$1", "cd", partialType("Upload-Draft-Interop-Version", "6", "Upload-Offset", "2", "Upload-Complete", "?1"), 201, []string{"Upload-Offset", "4"}},
			{"GET", "/v1/spaces/default/paths/x", "", nil, 200, []string{"Content-Type", "text/css"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, r *rig) { follow(t, r, steps) })
		})
	}
}

// Errors are problem documents, with the types that the draft has.
func TestIETFProblems(t *testing.T) {
	r := newRig(t, rest.Config{})
	location := r.post(uploadsURL, "abc", "Upload-Complete", "?0", "Upload-Length", "9").Header.Get("Location")
	for name, c := range map[string]struct {
		fields []string
		status int
		want   map[string]any
	}{
		"offset": {partialType("Upload-Offset", "5", "Upload-Complete", "?0"), 409, map[string]any{
			"type": "https://iana.org/assignments/http-problem-types#mismatching-upload-offset", "expected-offset": 3.0, "provided-offset": 5.0, "reason": "OFFSET_MISMATCH",
		}},
		"length": {partialType("Upload-Offset", "3", "Upload-Complete", "?0", "Upload-Length", "10"), 400, map[string]any{
			"type": "https://iana.org/assignments/http-problem-types#inconsistent-upload-length", "reason": "INVALID_ARGUMENT",
		}},
		"end": {partialType("Upload-Offset", "3", "Upload-Complete", "?1"), 400, map[string]any{
			"type": "https://iana.org/assignments/http-problem-types#inconsistent-upload-length",
		}},
		"type": {[]string{"Upload-Offset", "3", "Upload-Complete", "?0"}, 415, map[string]any{
			"type": "about:blank", "title": "Unsupported Media Type", "reason": "UNSUPPORTED_MEDIA",
		}},
	} {
		a := r.do(http.MethodPatch, location, strings.NewReader("x"), c.fields...)
		a.wants(t, c.status)
		a.wantsField(t, "Content-Type", "application/problem+json")
		doc := a.json(t)
		for key, want := range c.want {
			if doc[key] != want {
				t.Errorf("%s: %s: %v, want %v", name, key, doc[key], want)
			}
		}
		if doc["status"] != float64(c.status) || doc["requestId"] != a.Header.Get("X-Request-Id") || doc["title"] == "" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

// Each iteration of the draft hears of the lifetime by the key that it knows.
func TestIETFLimits(t *testing.T) {
	r := newRig(t, rest.Config{})
	for version, key := range map[string]string{"6": "expires", "8": "max-age", "": "max-age"} {
		fields := []string{"Upload-Complete", "?0"}
		if version != "" {
			fields = append(fields, "Upload-Draft-Interop-Version", version)
		}
		a := r.post(uploadsURL, "abc", fields...)
		a.wants(t, http.StatusCreated)
		wantsLimit(t, a, key)
		wantsLimit(t, r.do(http.MethodHead, a.Header.Get("Location"), nil, fields[2:]...), key)
	}
}

// 104 goes to those that said which iteration they speak, and to nobody else.
func TestResumptionSupported(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		for name, c := range map[string]struct {
			head  string
			hints int
		}{
			"PUT":             {"PUT /v1/spaces/default/paths/p HTTP/1.1\r\nUpload-Complete: ?1\r\nUpload-Draft-Interop-Version: 8\r\n", 1},
			"POST":            {"POST /v1/spaces/default/uploads HTTP/1.1\r\nUpload-Complete: ?1\r\nUpload-Draft-Interop-Version: 6\r\n", 1},
			"no version":      {"POST /v1/spaces/default/uploads HTTP/1.1\r\nUpload-Complete: ?1\r\n", 0},
			"another version": {"POST /v1/spaces/default/uploads HTTP/1.1\r\nUpload-Complete: ?1\r\nUpload-Draft-Interop-Version: 3\r\n", 0},
			"plain PUT":       {"PUT /v1/spaces/default/paths/q HTTP/1.1\r\nUpload-Draft-Interop-Version: 8\r\n", 0},
			"tus":             {"POST /v1/spaces/default/uploads HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Length: 3\r\nUpload-Draft-Interop-Version: 8\r\n", 0},
		} {
			t.Run(name, func(t *testing.T) {
				conn := r.dial()
				conn.send("%sHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", c.head)
				hints, continued := 0, false
				for {
					a := conn.interim()
					if a.StatusCode == http.StatusContinue {
						continued = true
						conn.send("abc")
						continue
					}
					if a.StatusCode != 104 {
						if a.StatusCode != http.StatusCreated {
							t.Errorf("in the end %s", a.Status)
						}
						break
					}
					if a.Header.Get("Upload-Draft-Interop-Version") == "" || len(a.Header) > 3 {
						t.Errorf("104 with %v", a.Header)
					}
					if location := a.Header.Get("Location"); location != "" {
						hints++
						wantsLimit(t, a, map[string]string{"6": "expires", "8": "max-age"}[a.Header.Get("Upload-Draft-Interop-Version")])
						if continued || r.world.uploadAt(location) == nil {
							t.Errorf("104 leads to %s", location)
						}
					}
				}
				if hints != c.hints || !continued {
					t.Errorf("%d times 104 with a Location, want %d; 100 Continue %v", hints, c.hints, continued)
				}
			})
		}
	})
}
