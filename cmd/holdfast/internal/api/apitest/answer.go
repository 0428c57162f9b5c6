package apitest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// refuse answers with an AIP-193 error.
func refuse(w http.ResponseWriter, reason, message string) {
	status := fault.HTTPStatus(fault.Reason(errorsv1.Reason_value["REASON_"+reason]))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code":    status,
		"message": message,
		"status":  "UNUSED",
		"details": []any{map[string]any{
			"@type":  "type.googleapis.com/google.rpc.ErrorInfo",
			"reason": reason,
			"domain": fault.Domain,
		}},
	}})
}

// show answers with a message as proto3 JSON.
func show(w http.ResponseWriter, status int, m proto.Message) {
	text, err := protojson.Marshal(m)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// outcome is what the first request with an Idempotency-Key came to.
type outcome struct {
	request string
	recorder
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header    { return r.header }
func (r *recorder) WriteHeader(status int) { r.status = status }
func (r *recorder) Write(p []byte) (int, error) {
	r.body = append(r.body, p...)
	return len(p), nil
}

func (r *recorder) replay(w http.ResponseWriter) {
	for key, values := range r.header {
		w.Header()[key] = values
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body)
}

// once makes a mutating request happen once for each Idempotency-Key.
func (s *Server) once(w http.ResponseWriter, r *http.Request, rest string) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || len(key) > 128 {
		s.t.Errorf("%s %s has the Idempotency-Key %q", r.Method, r.URL, key)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		// A body that ends early leaves no trace.
		refuse(w, "INVALID_ARGUMENT", "the body is shorter than announced")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	request := r.Method + r.URL.String() + r.Header.Get("If-None-Match") + r.Header.Get("If-Match") + string(body)
	first := s.outcomes[key]
	switch {
	case first == nil:
		first = &outcome{request: request, recorder: recorder{header: http.Header{}, status: http.StatusOK}}
		r.Body = io.NopCloser(newReader(body))
		s.route(&first.recorder, r, rest)
		s.outcomes[key] = first
	case first.request != request:
		refuse(w, "REQUEST_ID_REUSED", "the Idempotency-Key was used with other content")
		return
	}
	first.replay(w)
}
