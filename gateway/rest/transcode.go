package rest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	metadatav1gw "github.com/holdfast-files/holdfast/gateway/gen/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// jsonFiles hold the services whose methods are served as JSON, each at the
// path that its google.api.http annotation gives it.
var jsonFiles = []protoreflect.FileDescriptor{
	metadatav1.File_holdfast_metadata_v1_space_proto,
	metadatav1.File_holdfast_metadata_v1_file_proto,
	metadatav1.File_holdfast_metadata_v1_member_proto,
	metadatav1.File_holdfast_metadata_v1_key_proto,
	metadatav1.File_holdfast_metadata_v1_upload_proto,
	metadatav1.File_holdfast_metadata_v1_share_proto,
}

// jsonMethod is a gRPC method with what its descriptor says about its calls.
type jsonMethod struct {
	httpMethod string
	pattern    string // as routes.add takes it
	hasBody    bool
	creates    bool // standard method Create, google.aip.dev/133

	input     protoreflect.MessageDescriptor
	query     []string                       // query parameters that it takes
	body      protoreflect.FieldDescriptor   // nil unless the body is one field
	mask      protoreflect.FieldDescriptor   // update_mask; nil when it has none
	requestID protoreflect.FieldDescriptor   // request_id; nil when it has none
	etag      []protoreflect.FieldDescriptor // path to the etag to match; nil when it has none
}

// addJSON adds the routes of all JSON methods.
func (h *Handler) addJSON(conn grpc.ClientConnInterface) error {
	h.json = newJSONMux()
	filled := filledConn{conn}
	ctx := context.Background()
	if err := metadatav1gw.RegisterSpaceServiceHandlerClient(ctx, h.json, metadatav1.NewSpaceServiceClient(filled)); err != nil {
		return err
	}
	if err := metadatav1gw.RegisterFileServiceHandlerClient(ctx, h.json, metadatav1.NewFileServiceClient(filled)); err != nil {
		return err
	}
	if err := metadatav1gw.RegisterMemberServiceHandlerClient(ctx, h.json, metadatav1.NewMemberServiceClient(filled)); err != nil {
		return err
	}
	if err := metadatav1gw.RegisterKeyServiceHandlerClient(ctx, h.json, metadatav1.NewKeyServiceClient(filled)); err != nil {
		return err
	}
	if err := metadatav1gw.RegisterUploadServiceHandlerClient(ctx, h.json, metadatav1.NewUploadServiceClient(filled)); err != nil {
		return err
	}
	if err := metadatav1gw.RegisterShareServiceHandlerClient(ctx, h.json, metadatav1.NewShareServiceClient(filled)); err != nil {
		return err
	}
	for _, file := range jsonFiles {
		for i := range file.Services().Len() {
			if err := h.addService(file.Services().Get(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *Handler) addService(service protoreflect.ServiceDescriptor) error {
	for i := range service.Methods().Len() {
		if !proto.HasExtension(service.Methods().Get(i).Options(), annotations.E_Http) {
			continue // a call behind another route
		}
		m, err := newJSONMethod(service.Methods().Get(i))
		if err != nil {
			return err
		}
		h.routes.add(m.httpMethod, m.pattern, func(x *exchange) error { return h.serveJSON(x, m) })
	}
	return nil
}

func newJSONMethod(method protoreflect.MethodDescriptor) (*jsonMethod, error) {
	rule, ok := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || rule == nil || len(rule.GetAdditionalBindings()) > 0 {
		return nil, fmt.Errorf("%s: want one google.api.http binding", method.FullName())
	}
	m := &jsonMethod{
		input:   method.Input(),
		hasBody: rule.GetBody() != "",
		creates: strings.HasPrefix(string(method.Name()), "Create"),
	}
	var template string
	m.httpMethod, template = binding(rule)
	if template == "" {
		return nil, fmt.Errorf("%s: no method and path", method.FullName())
	}
	var bound []string
	m.pattern, bound = parseTemplate(template)
	m.findFields(rule.GetBody(), bound)
	return m, nil
}

func binding(rule *annotations.HttpRule) (method, template string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Put:
		return http.MethodPut, p.Put
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, p.Patch
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, p.Delete
	}
	return "", ""
}

// parseTemplate turns a path template such as /v1/{name=spaces/*}:verb into a
// pattern of routes and the names of the fields that it binds.
func parseTemplate(template string) (pattern string, bound []string) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(before)
		if !found {
			return b.String(), bound
		}
		variable, after, _ := strings.Cut(rest, "}")
		name, segments, ok := strings.Cut(variable, "=")
		if !ok {
			segments = "*"
		}
		top, _, _ := strings.Cut(name, ".")
		bound = append(bound, top)
		b.WriteString(segments)
		template = after
	}
}

// findFields finds the fields of the request that HTTP has its own ways for.
func (m *jsonMethod) findFields(body string, bound []string) {
	fields := m.input.Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		name := string(f.Name())
		switch {
		case name == body:
			m.body = f
		case slices.Contains(bound, name):
		case body != "*":
			m.query = append(m.query, name, f.JSONName())
		}
		switch name {
		case "update_mask":
			m.mask = f
		case "request_id":
			m.requestID = f
		case "etag":
			m.etag = []protoreflect.FieldDescriptor{f}
		}
	}
	// An update names the etag within the resource.
	if m.mask != nil && m.body != nil {
		if etag := m.body.Message().Fields().ByName("etag"); etag != nil {
			m.etag = []protoreflect.FieldDescriptor{m.body, etag}
		}
	}
}

// checkQuery refuses query parameters that the method does not have, which
// grpc-gateway would ignore.
func (m *jsonMethod) checkQuery(raw string) error {
	if raw == "" {
		return nil
	}
	_, err := parseQuery(raw, m.query...)
	return err
}

func checkQueryName(name string, known []string) error {
	if slices.Contains(known, name) {
		return nil
	}
	return fault.Invalidf("query", "unknown parameter %q", clip(name))
}
