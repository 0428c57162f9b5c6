package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// jsonCall is a JSON call between its HTTP and its gRPC side.
type jsonCall struct {
	method    *jsonMethod
	match     header.Tags // If-Match
	noneMatch header.Tags // If-None-Match
	ifMatch   string      // If-Match, verbatim
	requestID string
	bodyKeys  []string // names in the JSON object that was sent
	reading   bool     // GET or HEAD
}

type jsonCallKey struct{}

func jsonCallOf(ctx context.Context) *jsonCall {
	call, _ := ctx.Value(jsonCallKey{}).(*jsonCall)
	return call
}

// serveJSON answers a call of m: it checks what came in, lets grpc-gateway
// translate and call, and sends what comes out.
func (h *Handler) serveJSON(x *exchange, m *jsonMethod) error {
	if err := m.checkQuery(x.r.URL.RawQuery); err != nil {
		return err
	}
	call, err := readCall(x.r, m)
	if err != nil {
		return err
	}
	text, err := x.readJSON(m, call)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(x.ctx, h.limits.Call)
	defer cancel()
	// Of the request grpc-gateway gets to see what it translates, and no field
	// of the header but its own content type.
	r := (&http.Request{
		Method:        m.httpMethod,
		URL:           &url.URL{Path: x.r.URL.Path, RawQuery: x.r.URL.RawQuery},
		Proto:         x.r.Proto,
		ProtoMajor:    x.r.ProtoMajor,
		ProtoMinor:    x.r.ProtoMinor,
		Header:        http.Header{"Content-Type": jsonType},
		Body:          io.NopCloser(bytes.NewReader(text)),
		ContentLength: int64(len(text)),
	}).WithContext(context.WithValue(ctx, jsonCallKey{}, call))
	out := &jsonAnswer{exchange: x, header: http.Header{}}
	h.json.ServeHTTP(out, r)
	return out.send(call)
}

// readCall reads the header fields that act on the call.
func readCall(r *http.Request, m *jsonMethod) (*jsonCall, error) {
	call := &jsonCall{method: m, reading: m.httpMethod == http.MethodGet, ifMatch: strings.Join(r.Header["If-Match"], ",")}
	var err error
	if call.match, err = header.ParseTags("If-Match", r.Header["If-Match"]); err != nil {
		if call.reading || m.etag == nil || strings.Trim(call.ifMatch, " \t,") == "" {
			return nil, err // to metadata an etag of nothing would be none
		}
		// Metadata also takes etags without quotes, and says what is wrong.
		call.match.Present = true
	}
	if call.match.Present && !call.reading && m.etag == nil {
		return nil, fault.Invalidf("If-Match", "this method takes no condition")
	}
	if call.noneMatch, err = header.ParseTags("If-None-Match", r.Header["If-None-Match"]); err != nil {
		return nil, err
	}
	if call.noneMatch.Present && !call.reading {
		return nil, fault.Invalidf("If-None-Match", "this method takes no such condition")
	}
	if !call.reading {
		call.requestID, err = header.ParseIdempotencyKey(r.Header["Idempotency-Key"])
	}
	return call, err
}

// readJSON reads and checks the body of a method that has one.
func (x *exchange) readJSON(m *jsonMethod, call *jsonCall) ([]byte, error) {
	if x.body == nil {
		return nil, nil
	}
	if !m.hasBody {
		// RFC 9110, sections 9.3.1 and 9.3.5, give it no meaning.
		return nil, nil
	}
	if err := header.CheckContentEncoding(x.r.Header["Content-Encoding"]); err != nil {
		return nil, err
	}
	if err := checkJSONType(x.r.Header["Content-Type"]); err != nil {
		return nil, err
	}
	limit := x.h.limits.JSONBytes
	if x.r.ContentLength > limit {
		return nil, jsonTooLarge(limit)
	}
	text, err := x.readText(limit)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	call.bodyKeys, err = objectKeys(text)
	return text, err
}

// smallJSON is what a body takes without asking for room.
const smallJSON = 4 << 10

// readText reads the body, in memory that is taken as the bytes come: what was
// merely announced takes nothing from anybody. It has to come within Limits.Call,
// since nobody is asked before that who the client is.
//
// Errors: TOO_LARGE beyond limit, RATE_LIMITED when the bodies of the client take
// too much, UNAVAILABLE when all together do, and those of body.Read.
func (x *exchange) readText(limit int64) ([]byte, error) {
	x.body.hurry(x.h.limits.Call)
	text := make([]byte, 0, min(smallJSON, limit+1))
	for {
		n, err := x.body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case int64(len(text)) > limit:
			return nil, jsonTooLarge(limit)
		case err == io.EOF: //nolint:errorlint // as io.Reader has it
			return text, nil
		case err != nil:
			return nil, err
		case len(text) < cap(text):
			continue
		}
		more := min(int64(cap(text)), limit+1-int64(cap(text)))
		if err := x.visit.takeText(more); err != nil {
			return nil, err
		}
		text = append(make([]byte, 0, int64(cap(text))+more), text...)
	}
}

// objectKeys checks that text is one JSON object and nothing else, and returns
// the names in it.
func objectKeys(text []byte) ([]string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fault.Invalidf("body", "not JSON: %v, at byte %d", syntax, syntax.Offset)
		}
		return nil, fault.Invalidf("body", "want a JSON object")
	}
	if object == nil {
		return nil, fault.Invalidf("body", "want a JSON object")
	}
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	return keys, nil
}

// checkJSONType refuses what is not said to be JSON. Nothing, or curl's
// application/x-www-form-urlencoded, says nothing.
func checkJSONType(lines []string) error {
	contentType, err := header.ParseContentType(lines)
	if err != nil || contentType == "" {
		return err
	}
	base, params, _ := mime.ParseMediaType(contentType)
	if base != "application/json" {
		return fault.New(errorsv1.Reason_REASON_UNSUPPORTED_MEDIA, "Content-Type: want application/json, not %s", clip(base))
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return fault.New(errorsv1.Reason_REASON_UNSUPPORTED_MEDIA, "Content-Type: JSON is UTF-8, not %s", clip(charset))
	}
	return nil
}

func jsonTooLarge(limit int64) error {
	return fault.New(errorsv1.Reason_REASON_TOO_LARGE, "body: more than %d bytes of JSON", limit)
}
