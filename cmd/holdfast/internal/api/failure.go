package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// maxErrorBytes bounds what is read of an error's body; ours have some hundred.
const maxErrorBytes = 64 << 10

// reasonOfStatus is for answers that name no reason of ours: those of a proxy
// in between, or of a newer server.
var reasonOfStatus = map[int]fault.Reason{
	http.StatusBadRequest:                   errorsv1.Reason_REASON_INVALID_ARGUMENT,
	http.StatusUnauthorized:                 errorsv1.Reason_REASON_UNAUTHENTICATED,
	http.StatusForbidden:                    errorsv1.Reason_REASON_PERMISSION_DENIED,
	http.StatusNotFound:                     errorsv1.Reason_REASON_NOT_FOUND,
	http.StatusMethodNotAllowed:             errorsv1.Reason_REASON_METHOD_NOT_ALLOWED,
	http.StatusConflict:                     errorsv1.Reason_REASON_CONFLICT,
	http.StatusGone:                         errorsv1.Reason_REASON_EXPIRED,
	http.StatusPreconditionFailed:           errorsv1.Reason_REASON_PRECONDITION_FAILED,
	http.StatusRequestEntityTooLarge:        errorsv1.Reason_REASON_TOO_LARGE,
	http.StatusRequestURITooLong:            errorsv1.Reason_REASON_INVALID_ARGUMENT,
	http.StatusUnsupportedMediaType:         errorsv1.Reason_REASON_UNSUPPORTED_MEDIA,
	http.StatusRequestedRangeNotSatisfiable: errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE,
	http.StatusTooManyRequests:              errorsv1.Reason_REASON_RATE_LIMITED,
	http.StatusBadGateway:                   errorsv1.Reason_REASON_UNAVAILABLE,
	http.StatusServiceUnavailable:           errorsv1.Reason_REASON_UNAVAILABLE,
	http.StatusGatewayTimeout:               errorsv1.Reason_REASON_DEADLINE_EXCEEDED,
	http.StatusInsufficientStorage:          errorsv1.Reason_REASON_QUOTA_EXCEEDED,
}

// failureBody is the body of an AIP-193 error.
type failureBody struct {
	Error struct {
		Message string `json:"message"`
		Details []struct {
			Reason    string            `json:"reason"`
			Domain    string            `json:"domain"`
			Metadata  map[string]string `json:"metadata"`
			RequestID string            `json:"requestId"`
		} `json:"details"`
	} `json:"error"`
}

// failure reads the error that an answer carries.
func failure(resp *http.Response) *fault.Error {
	reason, known := reasonOfStatus[resp.StatusCode]
	if !known {
		reason = errorsv1.Reason_REASON_INTERNAL
	}
	e := fault.New(reason, "the server answered %s", resp.Status)
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	if resp.StatusCode < 400 {
		e.Message = fmt.Sprintf("the server redirects to %q; is the server's URL right?", resp.Header.Get("Location"))
		return e
	}

	text, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	if err == nil && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") {
		return problem(e, text)
	}
	var body failureBody
	if err != nil || json.Unmarshal(text, &body) != nil || body.Error.Message == "" {
		return e
	}
	e.Message = body.Error.Message
	requestID := resp.Header.Get("X-Request-Id")
	for _, d := range body.Error.Details {
		if r, ok := errorsv1.Reason_value["REASON_"+d.Reason]; ok && d.Domain == fault.Domain {
			e.Reason, e.Metadata = fault.Reason(r), d.Metadata
		}
		if d.RequestID != "" {
			requestID = d.RequestID
		}
	}
	if e.Reason == errorsv1.Reason_REASON_INTERNAL && requestID != "" {
		e.Message += " (request " + requestID + ")"
	}
	return e
}

// problem reads an error as resumable uploads have it (RFC 9457).
func problem(e *fault.Error, text []byte) *fault.Error {
	var document struct {
		Detail   string            `json:"detail"`
		Reason   string            `json:"reason"`
		Metadata map[string]string `json:"metadata"`
	}
	if json.Unmarshal(text, &document) != nil || document.Detail == "" {
		return e
	}
	e.Message, e.Metadata = document.Detail, document.Metadata
	if r, ok := errorsv1.Reason_value["REASON_"+document.Reason]; ok {
		e.Reason = fault.Reason(r)
	}
	return e
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
