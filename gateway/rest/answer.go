package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// newJSONMux returns grpc-gateway's translator between JSON and gRPC, reduced
// to that: routes, header fields and errors are our own.
func newJSONMux() *runtime.ServeMux {
	none := func(string) (string, bool) { return "", false }
	return runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &marshaler{}),
		runtime.WithIncomingHeaderMatcher(none),
		runtime.WithOutgoingHeaderMatcher(none),
		runtime.WithOutgoingTrailerMatcher(none),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithForwardResponseOption(describeAnswer),
		runtime.WithErrorHandler(keepError),
		runtime.WithRoutingErrorHandler(func(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, status int) {
			w.(*jsonAnswer).err = fault.New(errorsv1.Reason_REASON_INTERNAL, "a route without its translation: %d", status)
		}),
	)
}

// jsonAnswer takes the answer of grpc-gateway, for the exchange to send.
type jsonAnswer struct {
	*exchange
	header http.Header // what grpc-gateway sets is dropped
	text   []byte
	msg    proto.Message
	err    error
}

func (a *jsonAnswer) Header() http.Header { return a.header }

func (a *jsonAnswer) WriteHeader(int) {}

func (a *jsonAnswer) Write(text []byte) (int, error) {
	a.text = text
	return len(text), nil
}

// describeAnswer notes the message that is about to be marshaled.
func describeAnswer(_ context.Context, w http.ResponseWriter, msg proto.Message) error {
	w.(*jsonAnswer).msg = msg
	return nil
}

// keepError takes the error of a call, or one of grpc-gateway itself, which is
// about what it could not translate.
func keepError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
	if own, ok := status.FromError(err); ok && own.Code() == codes.InvalidArgument && !errors.As(err, new(*fault.Error)) {
		err = untranslated(own.Message())
	}
	w.(*jsonAnswer).err = err
}

// send answers with what the call came to. Conditions on reading are judged
// here, by the etag of what was read.
func (a *jsonAnswer) send(call *jsonCall) error {
	if a.err != nil {
		return a.err
	}
	h := a.w.Header()
	h["Cache-Control"] = noCache
	if r, ok := a.msg.(interface{ GetEtag() string }); ok && r.GetEtag() != "" {
		etag := r.GetEtag()
		h["Etag"] = []string{`"` + etag + `"`}
		if call.reading && call.match.Present && !call.match.MatchStrong(etag) {
			return fault.New(errorsv1.Reason_REASON_PRECONDITION_FAILED, "the resource has another etag")
		}
		if call.reading && call.noneMatch.Present && call.noneMatch.Match(etag) {
			a.writeHeader(http.StatusNotModified)
			return nil
		}
	}
	status := http.StatusOK
	if r, ok := a.msg.(interface{ GetName() string }); ok && call.method.creates {
		status = http.StatusCreated
		h["Location"] = []string{"/v1/" + r.GetName()}
	}
	a.writeJSON(status, a.text)
	return nil
}

var noCache = []string{"private, no-cache"}

// marshaler is proto3 JSON, with default values written out, so that an empty
// file has its sizeBytes and an empty page its files.
type marshaler struct{ runtime.JSONPb }

func (*marshaler) Marshal(v any) ([]byte, error) {
	return marshal(v.(proto.Message))
}

// marshal returns the JSON of a message without white space: protojson alone
// puts some in at random.
func marshal(msg proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(msg)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(len(text))
	err = json.Compact(&b, text)
	return b.Bytes(), err
}

// untranslated returns the error for what grpc-gateway could not translate: a
// parameter of the query, which it names as the contract does, or the body.
func untranslated(message string) error {
	if rest, ok := strings.CutPrefix(message, `parsing field "`); ok {
		field, _, _ := strings.Cut(rest, `"`)
		return fault.Invalidf(field, "the query has a value for it that it can't have")
	}
	return fault.New(errorsv1.Reason_REASON_INVALID_ARGUMENT, "%s", cleanMessage(message))
}

// cleanMessage undoes the random spelling that protojson gives its errors.
func cleanMessage(message string) string {
	message = strings.ReplaceAll(message, "\u00a0", " ")
	return "body: " + strings.TrimPrefix(message, "proto: ")
}
