package rest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// Problem types of "Resumable Uploads for HTTP".
const (
	problemTypes       = "https://iana.org/assignments/http-problem-types#"
	mismatchingOffset  = problemTypes + "mismatching-upload-offset"
	inconsistentLength = problemTypes + "inconsistent-upload-length"
)

var problemType = []string{"application/problem+json"}

// problem is an error as RFC 9457 has it. Reason is ours, as in every other
// error.
type problem struct {
	Type      string            `json:"type"`
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Detail    string            `json:"detail"`
	Expected  *int64            `json:"expected-offset,omitempty"`
	Provided  *int64            `json:"provided-offset,omitempty"`
	Reason    string            `json:"reason"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	RequestID string            `json:"requestId"`
}

// refuse answers with a problem document.
func (ietfProtocol) refuse(x *exchange, status int, e *fault.Error) {
	ask := header.ParseResumable(x.r.Header)
	h := x.w.Header()
	p := problem{
		Type: "about:blank", Detail: strings.ToValidUTF8(e.Message, "�"),
		Reason: strings.TrimPrefix(e.Reason.String(), "REASON_"), Metadata: e.Metadata, RequestID: x.id,
	}
	switch {
	case e.Reason == errorsv1.Reason_REASON_OFFSET_MISMATCH:
		p.Type, p.Title = mismatchingOffset, "offset from request does not match offset of resource"
		if p.Provided = ask.Offset; p.Provided == nil {
			p.Provided = new(int64) // a creation begins at 0
		}
		if expected, err := strconv.ParseInt(e.Metadata["expected_offset"], 10, 64); err == nil {
			p.Expected = &expected
			h.Set("Upload-Offset", decimal(expected))
			// "?1" would say that this is the answer to the whole upload.
			if e.Metadata["complete"] != "true" {
				h.Set("Upload-Complete", "?0")
			}
		}
	case e.Reason == errorsv1.Reason_REASON_INVALID_ARGUMENT && e.Metadata["field"] == lengthField:
		p.Type, p.Title = inconsistentLength, "inconsistent length values for upload"
	case e.Reason == errorsv1.Reason_REASON_TOO_LARGE:
		h.Set("Upload-Limit", ask.UploadLimit(header.UploadLimits{MaxSize: maxUploadBytes}))
	case e.Reason == errorsv1.Reason_REASON_UPLOAD_SUPERSEDED:
		// A client is to ask for the offset after a 5xx, and to give up after
		// any other 409 than the one above.
		status = http.StatusServiceUnavailable
		h.Set("Retry-After", "1")
	}
	if p.Title == "" {
		p.Title = http.StatusText(status)
	}
	p.Status = status
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers only
	}
	x.write(status, problemType, text)
}
