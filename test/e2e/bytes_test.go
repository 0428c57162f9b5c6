package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strconv"
	"testing"
)

func digestOf(contents []byte) string {
	digest := sha256.Sum256(contents)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(digest[:]) + ":"
}

// upAndDown puts a file, with and without its length announced, and gets it
// whole and in ranges.
func upAndDown(t *testing.T, g *target) {
	w := newWeb(t, g)
	contents := random(300_000)
	created := w.put("/a/b/Ærøskøbing 1.pdf", contents, "Repr-Digest", digestOf(contents)).want(http.StatusCreated)
	n := created.node()
	if n.DisplayName != "Ærøskøbing 1.pdf" || n.Kind != "FILE" || n.SizeBytes != "300000" || n.SHA256 != sum(contents) || n.ContentType != "application/pdf" {
		t.Errorf("the new file is %+v", n)
	}
	created.field("Location", "/v1/"+n.Name).field("Etag", `"`+path.Base(n.Revision)+`"`)

	whole := w.get("/a/b/Ærøskøbing 1.pdf").want(http.StatusOK).bytes(contents)
	whole.field("Content-Length", "300000").field("Content-Type", "application/pdf").field("Accept-Ranges", "bytes").
		field("Etag", created.header.Get("Etag")).field("Repr-Digest", digestOf(contents)).
		field("X-Content-Type-Options", "nosniff").field("Content-Security-Policy", "sandbox").field("Cache-Control", "private, no-cache")
	if disposition, params, err := mime.ParseMediaType(whole.header.Get("Content-Disposition")); err != nil || disposition != "attachment" || params["filename"] != n.DisplayName {
		t.Errorf("disposition %q", whole.header.Get("Content-Disposition"))
	}
	w.do(http.MethodGet, "/v1/"+n.Name+"/content", nil).want(http.StatusOK).bytes(contents)
	w.do(http.MethodHead, w.at("/a/b/Ærøskøbing 1.pdf"), nil).want(http.StatusOK).bytes(nil).field("Content-Length", "300000")

	for asked, part := range map[string][2]int{"bytes=0-99": {0, 100}, "bytes=299990-": {299_990, 300_000}, "bytes=-7": {299_993, 300_000}, "bytes=5-999999": {5, 300_000}} {
		w.get("/a/b/Ærøskøbing 1.pdf", "Range", asked).want(http.StatusPartialContent).bytes(contents[part[0]:part[1]]).
			field("Content-Range", fmt.Sprintf("bytes %d-%d/300000", part[0], part[1]-1)).field("Content-Length", strconv.Itoa(part[1]-part[0]))
	}
	several := w.get("/a/b/Ærøskøbing 1.pdf", "Range", "bytes=0-9,100000-100009").want(http.StatusPartialContent)
	_, params, err := mime.ParseMediaType(several.header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(bytes.NewReader(several.body), params["boundary"])
	for _, want := range [][]byte{contents[:10], contents[100_000:100_010]} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, want) {
			t.Errorf("a part is %x, %v", got, err)
		}
	}
	w.get("/a/b/Ærøskøbing 1.pdf", "Range", "bytes=300000-").failed(http.StatusRequestedRangeNotSatisfiable, "RANGE_NOT_SATISFIABLE").field("Content-Range", "bytes */300000")

	w.do(http.MethodPut, w.at("/chunked.txt"), io.MultiReader(bytes.NewReader([]byte("no length")))).want(http.StatusCreated)
	w.get("/chunked.txt").want(http.StatusOK).bytes([]byte("no length")).field("Content-Disposition", `inline; filename="chunked.txt"; filename*=UTF-8''chunked.txt`)
	w.put("/empty", nil).want(http.StatusCreated)
	w.get("/empty").want(http.StatusOK).bytes(nil).field("Content-Length", "0")
}

// largeFile is above every buffer on the way.
func largeFile(t *testing.T, g *target) {
	w := newWeb(t, g)
	contents := random(24<<20 + 1)
	w.put("/large.bin", contents, "Repr-Digest", digestOf(contents)).want(http.StatusCreated)
	w.get("/large.bin").want(http.StatusOK).bytes(contents)
	w.get("/large.bin", "Range", "bytes=10000000-20000000").want(http.StatusPartialContent).bytes(contents[10_000_000:20_000_001])
}

// conditions are judged before anything happens.
func conditions(t *testing.T, g *target) {
	w := newWeb(t, g)
	first := w.put("/c", []byte("one"), "If-None-Match", "*").want(http.StatusCreated).header.Get("Etag")
	w.put("/c", []byte("two"), "If-None-Match", "*").failed(http.StatusPreconditionFailed, "PRECONDITION_FAILED")
	w.put("/c", []byte("two"), "If-Match", `"other"`).failed(http.StatusPreconditionFailed, "PRECONDITION_FAILED")
	second := w.put("/c", []byte("two"), "If-Match", first).want(http.StatusOK).header.Get("Etag")
	if first == second {
		t.Error("another revision has the same ETag")
	}
	modified := w.get("/c", "If-None-Match", second).want(http.StatusNotModified).bytes(nil).header.Get("Last-Modified")
	w.get("/c", "If-None-Match", first).want(http.StatusOK)
	w.get("/c", "If-Match", first).failed(http.StatusPreconditionFailed, "PRECONDITION_FAILED")
	w.get("/c", "If-Modified-Since", modified).want(http.StatusNotModified)
	w.get("/c", "Range", "bytes=1-1", "If-Range", second).want(http.StatusPartialContent).bytes([]byte("w"))
	w.get("/c", "Range", "bytes=1-1", "If-Range", first).want(http.StatusOK).bytes([]byte("two"))

	w.put("/c", []byte("three"), "Repr-Digest", digestOf([]byte("four"))).failed(http.StatusBadRequest, "DIGEST_MISMATCH")
	w.put("/d", []byte("three"), "Content-Digest", digestOf([]byte("four"))).failed(http.StatusBadRequest, "DIGEST_MISMATCH")
	w.get("/d").failed(http.StatusNotFound, "NOT_FOUND")
	w.get("/c").want(http.StatusOK).bytes([]byte("two"))
}
