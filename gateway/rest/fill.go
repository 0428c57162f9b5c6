package rest

import (
	"context"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// filledConn fills in, before a call goes out, the fields of the request that
// came in the header of the HTTP request. It also drops the metadata that
// grpc-gateway made of that request: who calls is in the context.
type filledConn struct{ grpc.ClientConnInterface }

func (c filledConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	ctx = metadata.NewOutgoingContext(ctx, nil)
	if call := jsonCallOf(ctx); call != nil {
		if err := call.fill(args.(proto.Message).ProtoReflect()); err != nil {
			return err
		}
	}
	return c.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}

func (c *jsonCall) fill(req protoreflect.Message) error {
	m := c.method
	if c.requestID != "" && m.requestID != nil {
		if err := setString(req, m.requestID, c.requestID, "Idempotency-Key"); err != nil {
			return err
		}
	}
	if c.ifMatch != "" && m.etag != nil {
		target, etag := req, m.etag[len(m.etag)-1]
		for _, parent := range m.etag[:len(m.etag)-1] {
			target = target.Mutable(parent).Message()
		}
		if err := setString(target, etag, c.ifMatch, "If-Match"); err != nil {
			return err
		}
	}
	if m.mask != nil {
		c.fillMask(req)
	}
	return nil
}

// setString sets a field to what a header field says. It may say the same as
// the field already does, but nothing else.
func setString(msg protoreflect.Message, field protoreflect.FieldDescriptor, value, source string) error {
	old := msg.Get(field).String()
	if old != "" && strings.Trim(old, `"`) != strings.Trim(value, `"`) {
		return fault.Invalidf(string(field.Name()), "contradicts %s", source)
	}
	msg.Set(field, protoreflect.ValueOfString(value))
	return nil
}

// fillMask makes the mask name fields as the proto does, and, where there is
// none, those that the JSON object held. So {"labels": {}} clears the labels,
// which the message alone could not say.
func (c *jsonCall) fillMask(req protoreflect.Message) {
	m := c.method
	fields := m.body.Message().Fields()
	mask := req.Get(m.mask).Message()
	paths := m.mask.Message().Fields().ByName("paths")
	if given := mask.Get(paths).List(); given.Len() > 0 {
		for i := range given.Len() {
			if f := fields.ByJSONName(given.Get(i).String()); f != nil {
				given.Set(i, protoreflect.ValueOfString(string(f.Name())))
			}
		}
		return
	}
	for _, key := range c.bodyKeys {
		f := fields.ByJSONName(key)
		if f == nil {
			f = fields.ByTextName(key)
		}
		if f != nil && settable(f) {
			req.Mutable(m.mask).Message().Mutable(paths).List().Append(protoreflect.ValueOfString(string(f.Name())))
		}
	}
}

// settable reports whether sending a field asks to change it. The resource's
// name and etag say which one is meant, kind cannot change, and what the
// service alone sets is ignored on the way in (google.aip.dev/203).
func settable(f protoreflect.FieldDescriptor) bool {
	if f.Name() == "etag" || f.Name() == "kind" {
		return false
	}
	behaviors, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, b := range behaviors {
		if b == annotations.FieldBehavior_OUTPUT_ONLY || b == annotations.FieldBehavior_IDENTIFIER {
			return false
		}
	}
	return true
}
