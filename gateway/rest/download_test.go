package rest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/protobuf/proto"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

func TestDownload(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		f := r.world.put("/docs/naïve.txt", "text/plain; charset=utf-8", "hello, world")
		sum := sha256.Sum256(f.bytes)
		etag := `"` + lastSegment(f.revision.GetName()) + `"`
		for _, path := range []string{
			"/v1/" + f.file.GetName() + "/content",
			"/v1/spaces/default/paths/docs/na%C3%AFve.txt",
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				a := r.do(method, path, nil)
				a.wants(t, http.StatusOK)
				if want := "hello, world"; method == http.MethodGet && string(a.body) != want || method == http.MethodHead && len(a.body) != 0 {
					t.Errorf("%s %s: %q", method, path, a.body)
				}
				for name, want := range map[string]string{
					"Content-Length":          "12",
					"Content-Type":            "text/plain; charset=utf-8",
					"Etag":                    etag,
					"Last-Modified":           "Fri, 02 Jan 2026 03:04:06 GMT",
					"Accept-Ranges":           "bytes",
					"Repr-Digest":             "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
					"Cache-Control":           "private, no-cache",
					"X-Content-Type-Options":  "nosniff",
					"Content-Security-Policy": "sandbox",
					"Content-Disposition":     `inline; filename="na_ve.txt"; filename*=UTF-8''na%C3%AFve.txt`,
					"Content-Range":           "",
				} {
					a.wantsField(t, name, want)
				}
				if a.Header.Get("X-Request-Id") == "" || len(a.TransferEncoding) != 0 {
					t.Errorf("%s %s: %v, %v", method, path, a.Header, a.TransferEncoding)
				}
			}
		}
	})
}

func TestDownloadQuery(t *testing.T) {
	r := newRig(t, rest.Config{})
	f := r.world.put("/a.txt", "text/plain", "x")
	path := "/v1/" + f.file.GetName() + "/content"

	a := r.get(path + "?revision=some-id")
	a.wants(t, http.StatusOK)
	a.wantsField(t, "Cache-Control", "private, max-age=31536000, immutable")
	if got := last[*storagev1.DownloadRequest](r.world).GetRevision(); got != "some-id" {
		t.Errorf("asked for revision %q", got)
	}
	for query, kind := range map[string]string{"?download=1": "attachment", "?download": "attachment", "?download=true": "attachment", "?download=0": "inline", "?download=false": "inline"} {
		if a := r.get(path + query); !strings.HasPrefix(a.Header.Get("Content-Disposition"), kind+";") {
			t.Errorf("%s: %s", query, a.Header.Get("Content-Disposition"))
		}
	}
	for _, query := range []string{"?x=1", "?download=maybe", "?revision=a&revision=b", "?revision=%zz", "?a;b", "?Download=1"} {
		r.get(path+query).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	}
}

func TestDownloadDisposition(t *testing.T) {
	r := newRig(t, rest.Config{})
	r.world.put("/a.html", "text/html", "<script>")
	r.world.put("/a.svg", "image/svg+xml", "<svg/>")
	r.world.put("/a.png", "image/png", "png")
	for path, kind := range map[string]string{"/a.html": "attachment", "/a.svg": "attachment", "/a.png": "inline"} {
		if a := r.get("/v1/spaces/default/paths" + path); !strings.HasPrefix(a.Header.Get("Content-Disposition"), kind+";") {
			t.Errorf("%s: %s", path, a.Header.Get("Content-Disposition"))
		}
	}
}

func TestDownloadRanges(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		r.world.put("/a", "text/plain", "0123456789")
		const path = "/v1/spaces/default/paths/a"
		for _, c := range []struct{ field, body, contentRange string }{
			{"bytes=0-0", "0", "bytes 0-0/10"},
			{"bytes=2-4", "234", "bytes 2-4/10"},
			{"bytes=7-", "789", "bytes 7-9/10"},
			{"bytes=-3", "789", "bytes 7-9/10"},
			{"bytes=8-99", "89", "bytes 8-9/10"},
		} {
			a := r.get(path, "Range", c.field)
			a.wants(t, http.StatusPartialContent)
			a.wantsField(t, "Content-Range", c.contentRange)
			a.wantsField(t, "Content-Length", strconv.Itoa(len(c.body)))
			if string(a.body) != c.body {
				t.Errorf("%s: %q", c.field, a.body)
			}
		}
		for _, field := range []string{"bytes=10-", "bytes=-0", "bytes=x", "bytes=5-4", "bytes="} {
			a := r.get(path, "Range", field)
			a.wants(t, http.StatusRequestedRangeNotSatisfiable, "RANGE_NOT_SATISFIABLE")
			a.wantsField(t, "Content-Range", "bytes */10")
		}
		for _, fields := range [][]string{
			{"Range", "lines=0-1"},
			{"Range", "bytes=0-1", "If-Range", `"another"`},
			{"Range", "bytes=x", "If-Range", `"another"`},
		} {
			a := r.get(path, fields...)
			a.wants(t, http.StatusOK)
			if string(a.body) != "0123456789" {
				t.Errorf("%v: %q", fields, a.body)
			}
		}
		// Range is defined for GET alone.
		a := r.do(http.MethodHead, path, nil, "Range", "bytes=0-1")
		a.wants(t, http.StatusOK)
		a.wantsField(t, "Content-Length", "10")
	})
}

func TestDownloadSeveralRanges(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		r.world.put("/a", "text/plain", "0123456789")
		a := r.get("/v1/spaces/default/paths/a", "Range", "bytes=8-,0-1,4-5")
		a.wants(t, http.StatusPartialContent)
		if n := a.ContentLength; n != int64(len(a.body)) {
			t.Fatalf("Content-Length %d, %d bytes came", n, len(a.body))
		}
		base, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
		if err != nil || base != "multipart/byteranges" {
			t.Fatalf("%s, %v", a.Header.Get("Content-Type"), err)
		}
		parts := multipart.NewReader(strings.NewReader(string(a.body)), params["boundary"])
		for _, want := range []struct{ body, contentRange string }{
			{"89", "bytes 8-9/10"}, {"01", "bytes 0-1/10"}, {"45", "bytes 4-5/10"},
		} {
			part, err := parts.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(part)
			if err != nil || string(body) != want.body {
				t.Errorf("part %q, %v; want %q", body, err, want.body)
			}
			if part.Header.Get("Content-Range") != want.contentRange || part.Header.Get("Content-Type") != "text/plain" {
				t.Errorf("part with %v", part.Header)
			}
		}
		if _, err := parts.NextPart(); err != io.EOF {
			t.Errorf("after the last part: %v", err)
		}
	})
}

func TestDownloadConditions(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		f := r.world.put("/a", "text/plain", "0123456789")
		etag := `"` + lastSegment(f.revision.GetName()) + `"`
		const path = "/v1/spaces/default/paths/a"
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := r.do(method, path, nil, "If-None-Match", `"x", W/`+etag)
			a.wants(t, http.StatusNotModified)
			a.wantsField(t, "Etag", etag)
			a.wantsField(t, "Cache-Control", "private, no-cache")
			a.wantsField(t, "Last-Modified", "Fri, 02 Jan 2026 03:04:06 GMT")
			a.wantsField(t, "Content-Length", "")
			if len(a.body) != 0 {
				t.Errorf("304 with %q", a.body)
			}
		}
		r.get(path, "If-Match", etag).wants(t, http.StatusOK)
		r.get(path, "If-Match", `"x"`).wants(t, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		r.get(path, "If-Match", "W/"+etag).wants(t, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		r.get(path, "If-Match", "x").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
		r.get(path, "If-None-Match", "x").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
		r.get(path, "Range", "bytes=1-2", "If-Range", etag).wants(t, http.StatusPartialContent)

		a := r.do(http.MethodHead, path, nil, "If-Match", `"x"`)
		a.wants(t, http.StatusPreconditionFailed)
		if len(a.body) != 0 || a.ContentLength <= 0 {
			t.Errorf("HEAD: %d bytes announced, %q came", a.ContentLength, a.body)
		}
	})
}

func TestDownloadEmpty(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		r.world.put("/a", "text/plain", "")
		a := r.get("/v1/spaces/default/paths/a")
		a.wants(t, http.StatusOK)
		a.wantsField(t, "Content-Length", "0")
	})
}

func TestDownloadLarge(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		text := strings.Repeat("0123456789abcdef", 300_000) // 4.8 MB, not a multiple of anything
		r.world.put("/a", "application/zip", text[:len(text)-5])
		a := r.get("/v1/spaces/default/paths/a")
		a.wants(t, http.StatusOK)
		if string(a.body) != text[:len(text)-5] {
			t.Error("other bytes came")
		}
		a = r.get("/v1/spaces/default/paths/a", "Range", "bytes=1000000-3000000,5-9")
		a.wants(t, http.StatusPartialContent)
		if !strings.Contains(string(a.body), text[1_000_000:3_000_001]) || a.ContentLength != int64(len(a.body)) {
			t.Error("other bytes came in parts")
		}
	})
}

// A download that fails midway must not look whole to anybody: its length is
// not reached and the connection ends.
func TestDownloadCut(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		r.world.put("/a", "text/plain", strings.Repeat("x", 100_000))
		for _, after := range []int{1, 4000, 70_000, 99_999} {
			r.world.make(trouble{cutAfter: after})
			c := r.dial()
			c.send("GET /v1/spaces/default/paths/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil {
				continue // cut before anything of it was sent, which nobody takes for whole
			}
			n, err := io.Copy(io.Discard, resp.Body)
			if !errors.Is(err, io.ErrUnexpectedEOF) || n >= 100_000 || resp.ContentLength != 100_000 {
				t.Errorf("after %d bytes: %d of %d bytes, %v", after, n, resp.ContentLength, err)
			}
			c.ended()
		}
	})
}

func TestDownloadErrors(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		r.get("/v1/spaces/default/paths/nothing").wants(t, http.StatusNotFound, "NOT_FOUND")
		a := r.do(http.MethodHead, "/v1/spaces/default/files/nothing/content", nil)
		a.wants(t, http.StatusNotFound)
		if len(a.body) != 0 {
			t.Errorf("HEAD with %q", a.body)
		}
		r.world.make(trouble{fail: reason(errorsv1.Reason_REASON_UNAVAILABLE, "later")})
		a = r.get("/v1/spaces/default/paths/nothing")
		a.wants(t, http.StatusServiceUnavailable, "UNAVAILABLE")
		a.wantsField(t, "Retry-After", "1")
	})
}

func TestDownloadAsksAsItWasAsked(t *testing.T) {
	r := newRig(t, rest.Config{})
	f := r.world.put("/a b", "text/plain", "0123456789")
	r.get("/v1/spaces/default/paths/a%20b", "Range", "bytes=1-2", "If-Match", "*").wants(t, http.StatusPartialContent)
	want := &storagev1.DownloadRequest{
		Source:    &storagev1.DownloadRequest_Path{Path: &storagev1.PathTarget{Space: space, Path: "/a b"}},
		Ranges:    []*storagev1.ByteRange{{Offset: 1, Length: 2}},
		Condition: &storagev1.ReadCondition{MatchAny: true},
	}
	if got := last[*storagev1.DownloadRequest](r.world); !proto.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
	r.do(http.MethodHead, "/v1/"+f.file.GetName()+"/content", nil, "Range", "bytes=1-2").wants(t, http.StatusOK)
	want = &storagev1.DownloadRequest{Source: &storagev1.DownloadRequest_File{File: f.file.GetName()}, HeaderOnly: true}
	if got := last[*storagev1.DownloadRequest](r.world); !proto.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
}
