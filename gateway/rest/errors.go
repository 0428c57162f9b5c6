package rest

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/throttle"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// fail answers with an error, as AIP-193 has it, or cuts an answer that has
// begun.
func (x *exchange) fail(err error) {
	x.err = err
	if x.status != 0 {
		x.cut = true
		return
	}
	public := fault.Public(err)
	status := fault.HTTPStatus(public.Reason)
	if x.body != nil && x.body.stalled {
		status = http.StatusRequestTimeout // the table speaks of our deadlines, this is the client's
	}
	h := x.w.Header()
	switch status {
	case http.StatusUnauthorized:
		if h.Get("Www-Authenticate") == "" {
			h.Set("Www-Authenticate", `Bearer realm="holdfast"`)
		}
	case http.StatusRequestedRangeNotSatisfiable:
		if size := public.Metadata["size_bytes"]; size != "" {
			h.Set("Content-Range", "bytes */"+size)
		}
	}
	if policy := public.Metadata[throttle.FieldPolicy]; status == http.StatusTooManyRequests && policy != "" {
		h.Set("RateLimit-Policy", policy)
		h.Set("RateLimit", public.Metadata[throttle.FieldLimit])
	}
	if public.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(wholeSeconds(public.RetryAfter), 10))
	}
	h.Set("Cache-Control", "no-store")
	if x.refuse != nil {
		x.refuse(x, status, public)
		return
	}
	x.writeJSON(status, errorBody(status, public, x.id))
}

// refusal answers with an error in the way of a protocol. Header fields that
// every error has are set.
type refusal func(x *exchange, status int, e *fault.Error)

// writeJSON answers with a JSON text. Its header fields may have been set.
func (x *exchange) writeJSON(status int, text []byte) { x.write(status, jsonType, text) }

// write answers with a text of a media type.
func (x *exchange) write(status int, mediaType []string, text []byte) {
	h := x.w.Header()
	h["Content-Type"] = mediaType
	h["X-Content-Type-Options"] = noSniff
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	x.beginAnswer(status)
	x.extendWrite(len(text))
	if x.r.Method == http.MethodHead {
		return
	}
	if _, err := x.w.Write(text); err != nil {
		x.err, x.cut = err, true
	}
}

var (
	jsonType = []string{"application/json"}
	htmlType = []string{"text/html; charset=utf-8"}
	noSniff  = []string{"nosniff"}
)

// errorBody renders an error as google.aip.dev/193 asks, with the HTTP status
// as code and the name of the gRPC code as status.
func errorBody(status int, e *fault.Error, requestID string) []byte {
	details := []any{errorInfo{
		Type:     "type.googleapis.com/google.rpc.ErrorInfo",
		Reason:   strings.TrimPrefix(e.Reason.String(), "REASON_"),
		Domain:   fault.Domain,
		Metadata: e.Metadata,
	}}
	if e.RetryAfter > 0 {
		details = append(details, retryInfo{
			Type:  "type.googleapis.com/google.rpc.RetryInfo",
			Delay: strconv.FormatFloat(e.RetryAfter.Seconds(), 'f', -1, 64) + "s",
		})
	}
	details = append(details, requestInfo{Type: "type.googleapis.com/google.rpc.RequestInfo", ID: requestID})
	text, err := json.Marshal(map[string]any{"error": errorStatus{
		Code:    status,
		Message: strings.ToValidUTF8(e.Message, "�"),
		Status:  code.Code(fault.Code(e.Reason)).String(),
		Details: details,
	}})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return text
}

type errorStatus struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Status  string `json:"status"`
	Details []any  `json:"details"`
}

type errorInfo struct {
	Type     string            `json:"@type"`
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

type retryInfo struct {
	Type  string `json:"@type"`
	Delay string `json:"retryDelay"`
}

type requestInfo struct {
	Type string `json:"@type"`
	ID   string `json:"requestId"`
}

func notAllowed(method, allow string) error {
	return fault.New(errorsv1.Reason_REASON_METHOD_NOT_ALLOWED, "%s is not allowed here, but %s", clip(method), allow)
}

func wholeSeconds(d time.Duration) int64 {
	return int64(math.Ceil(d.Seconds()))
}

// Malformed renders the refusal of what net/http could not read as a request,
// as transport.Render has it.
func Malformed(status int) (requestID string, body []byte) {
	message := "not an HTTP request: its first line, the encoding of its path, a header field or the framing of its body is malformed (a percent sign in a path is written %25)"
	switch status {
	case http.StatusRequestHeaderFieldsTooLarge:
		message = "the header of the request is too large"
	case http.StatusNotImplemented:
		message = "the transfer coding is not supported"
	case http.StatusHTTPVersionNotSupported:
		message = "the version of HTTP is not supported"
	}
	id := newRequestID()
	e := &fault.Error{Reason: errorsv1.Reason_REASON_INVALID_ARGUMENT, Message: message}
	return id, errorBody(status, e, id)
}
