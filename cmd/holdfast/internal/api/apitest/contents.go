package apitest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

func (s *Server) byPath(w http.ResponseWriter, r *http.Request, escaped string) {
	at, err := names(escaped)
	if err != nil || len(at) == 0 {
		refuse(w, "INVALID_ARGUMENT", fmt.Sprintf("%q is not a path of a file", escaped))
		return
	}
	switch r.Method {
	case http.MethodPut:
		s.upload(w, r, at)
	case http.MethodGet:
		s.locked(r, func() {
			if n := s.walk(at, false); n != nil {
				s.download(w, r, n)
				return
			}
			refuse(w, "NOT_FOUND", "there is no such file")
		})
	default:
		refuse(w, "METHOD_NOT_ALLOWED", "no such call")
	}
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request, at []string) {
	contents, _ := io.ReadAll(r.Body)
	sum := sha256.Sum256(contents)
	digest := r.Header.Get("Repr-Digest")
	existing := s.walk(at, false)
	match := r.Header.Get("If-Match")
	switch {
	case digest != "" && digest != digestHeader(sum[:]):
		refuse(w, "DIGEST_MISMATCH", "the contents are not those that were announced")
	case r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Range") != "":
		refuse(w, "INVALID_ARGUMENT", "parts and codings are not taken")
	case existing != nil && r.Header.Get("If-None-Match") == "*":
		refuse(w, "PRECONDITION_FAILED", "the file exists")
	case match != "" && (existing == nil || match != `"`+revisionID(existing)+`"`):
		refuse(w, "PRECONDITION_FAILED", "the revision does not match")
	case existing != nil && existing.Kind != metadatav1.File_FILE:
		refuse(w, "CONFLICT", "there is a folder")
	case s.throughFile(at):
		refuse(w, "CONFLICT", "the path leads through a file")
	default:
		status := http.StatusOK
		if existing == nil {
			status = http.StatusCreated
		}
		n := s.put(at, contents, r.Header.Get("Content-Type"))
		w.Header().Set("ETag", `"`+revisionID(n)+`"`)
		w.Header().Set("Location", r.URL.EscapedPath())
		show(w, status, n.File)
	}
}

func (s *Server) throughFile(at []string) bool {
	for i := range at {
		if n := s.walk(at[:i], false); n != nil && n.Kind == metadatav1.File_FILE {
			return true
		}
	}
	return false
}

// put makes contents the newest of the file at a path.
func (s *Server) put(at []string, contents []byte, contentType string) *node {
	folder := s.walk(at[:len(at)-1], true)
	name := at[len(at)-1]
	n := s.child(folder.Name, name)
	if n == nil {
		n = s.add(folder.Name, name, metadatav1.File_FILE)
	}
	if contentType == "" {
		contentType = mime.TypeByExtension(path.Ext(name))
	}
	sum := sha256.Sum256(contents)
	rev := revision{&metadatav1.Revision{
		Name:        n.Name + "/revisions/" + s.id(),
		SizeBytes:   int64(len(contents)),
		ContentType: contentType,
		Sha256:      hex.EncodeToString(sum[:]),
		CreateTime:  s.tick(),
		Creator:     "anonymous",
	}, contents}
	n.revisions = append(n.revisions, rev)
	n.SizeBytes, n.Sha256, n.ContentType, n.Revision = rev.SizeBytes, rev.Sha256, rev.ContentType, rev.Name
	s.touch(n)
	return n
}

func (s *Server) download(w http.ResponseWriter, r *http.Request, n *node) {
	values, ok := query(w, r, "revision")
	if !ok {
		return
	}
	if n.Kind != metadatav1.File_FILE || n.DeleteTime != nil {
		refuse(w, "CONFLICT", "that is not a file")
		return
	}
	rev := n.revisions[len(n.revisions)-1]
	if id := values.Get("revision"); id != "" {
		for _, rev = range n.revisions {
			if strings.HasSuffix(rev.Name, "/"+id) {
				break
			}
		}
	}
	header := w.Header()
	etag := `"` + rev.Name[strings.LastIndex(rev.Name, "/")+1:] + `"`
	header.Set("ETag", etag)
	header.Set("Accept-Ranges", "bytes")
	header.Set("Content-Type", rev.ContentType)
	header.Set("Repr-Digest", "unixsum=:AA==:, "+digestHeader(mustHex(rev.Sha256)))
	body, status := rev.bytes, http.StatusOK
	ifRange := r.Header.Get("If-Range")
	if spec := r.Header.Get("Range"); spec != "" && (ifRange == "" || ifRange == etag) {
		first, last, ok := byteRange(spec, len(body))
		if !ok {
			refuse(w, "RANGE_NOT_SATISFIABLE", "no such bytes")
			return
		}
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(body)))
		body, status = body[first:last+1], http.StatusPartialContent
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader(body))
}

// byteRange reads bytes=a-b and bytes=a-.
func byteRange(spec string, size int) (first, last int, ok bool) {
	a, b, _ := strings.Cut(strings.TrimPrefix(spec, "bytes="), "-")
	first, err := strconv.Atoi(a)
	last = size - 1
	if b != "" {
		n, err := strconv.Atoi(b)
		if err != nil || n < first {
			return 0, 0, false
		}
		last = min(last, n)
	}
	return first, last, err == nil && first < size
}

func revisionID(n *node) string { return n.Revision[strings.LastIndex(n.Revision, "/")+1:] }

func digestHeader(sum []byte) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":"
}

func mustHex(text string) []byte {
	p, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return p
}
