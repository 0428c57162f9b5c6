package apitest

import (
	"crypto/sha256"
	"io"
	"net/http"
	"strconv"
	"strings"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"google.golang.org/protobuf/proto"
)

// uploading is an upload in several requests.
type uploading struct {
	at        []string // where it goes
	size      int
	bytes     []byte
	takes     int // requests that took it over from those before
	ifAbsent  bool
	digest    string // Repr-Digest that was announced, "" for none
	mediaType string
	file      *metadatav1.File // what it became, as it was then
	created   bool
}

// openUpload answers POST of uploads.
func (s *Server) openUpload(w http.ResponseWriter, r *http.Request) {
	values, ok := query(w, r, "path")
	if !ok {
		return
	}
	size, err := strconv.Atoi(r.Header.Get("Upload-Length"))
	at := strings.Split(strings.TrimPrefix(values.Get("path"), "/"), "/")
	u := &uploading{at: at, size: size, ifAbsent: r.Header.Get("If-None-Match") == "*", digest: r.Header.Get("Repr-Digest"), mediaType: r.Header.Get("Content-Type")}
	switch {
	case err != nil || r.Header.Get("Upload-Complete") != "?0":
		refuse(w, "INVALID_ARGUMENT", "want the length of an upload that is not complete")
	case u.ifAbsent && s.walk(at, false) != nil:
		refuse(w, "PRECONDITION_FAILED", "the file exists")
	default:
		id := s.id()
		s.uploads[id] = u
		w.Header().Set("Location", prefix+"/uploads/"+id)
		w.Header().Set("Upload-Complete", "?0")
		w.WriteHeader(http.StatusCreated)
	}
}

// onUpload answers HEAD, PATCH and DELETE of an upload.
func (s *Server) onUpload(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	u := s.uploads[id]
	take := 0
	if u != nil {
		u.takes++
		take = u.takes
	}
	s.mu.Unlock()
	if u == nil {
		refuse(w, "NOT_FOUND", "there is no such upload")
		return
	}
	switch r.Method {
	case http.MethodHead:
		s.mu.Lock()
		defer s.mu.Unlock()
		u.describe(w)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodDelete:
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.uploads, id)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if r.Header.Get("Content-Type") != "application/partial-upload" || r.Header.Get("Upload-Complete") != "?1" {
		refuse(w, "INVALID_ARGUMENT", "want the rest of an upload")
		return
	}
	if r.Header.Get("Upload-Offset") != strconv.Itoa(len(u.bytes)) {
		refuse(w, "OFFSET_MISMATCH", "another offset")
		return
	}
	contents, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.takes != take {
		refuse(w, "UPLOAD_SUPERSEDED", "a newer request took over")
		return
	}
	u.bytes = append(u.bytes, contents...)
	if err != nil || len(u.bytes) != u.size {
		refuse(w, "INVALID_ARGUMENT", "the body is shorter than announced")
		return
	}
	if sum := sha256.Sum256(u.bytes); u.digest != "" && u.digest != digestHeader(sum[:]) {
		refuse(w, "DIGEST_MISMATCH", "the contents are not those that were announced")
		return
	}
	if u.file == nil {
		u.created = s.walk(u.at, false) == nil
		if u.ifAbsent && !u.created {
			refuse(w, "PRECONDITION_FAILED", "the file exists")
			return
		}
		u.file = proto.CloneOf(s.put(u.at, u.bytes, u.mediaType).File)
	}
	u.describe(w)
	status := http.StatusOK
	if u.created {
		status = http.StatusCreated
	}
	show(w, status, u.file)
}

func (u *uploading) describe(w http.ResponseWriter) {
	complete := "?0"
	if u.file != nil {
		complete = "?1"
	}
	w.Header().Set("Upload-Offset", strconv.Itoa(len(u.bytes)))
	w.Header().Set("Upload-Complete", complete)
}

// Uploads returns how many uploads there are.
func (s *Server) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.uploads)
}

// ForgetUploads lets all uploads expire.
func (s *Server) ForgetUploads() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.uploads)
}

// CutKept hands that many bytes of the request's body on and closes the
// connection then, so that they came and their answer did not.
func CutKept(bytes int64) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(io.LimitReader(r.Body, bytes))
			next.ServeHTTP(&recorder{header: http.Header{}}, r)
			panic(http.ErrAbortHandler)
		})
	}
}
