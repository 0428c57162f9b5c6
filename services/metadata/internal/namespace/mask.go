package namespace

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// maskOf returns which of the allowed fields an update changes: those that the
// mask names, all for "*", and without a mask those that are set (AIP-134).
func maskOf(mask *fieldmaskpb.FieldMask, message proto.Message, allowed ...string) (map[string]bool, error) {
	fields := make(map[string]bool)
	if len(mask.GetPaths()) == 0 {
		m := message.ProtoReflect()
		for _, name := range allowed {
			fields[name] = m.Has(m.Descriptor().Fields().ByName(protoreflect.Name(name)))
		}
		return fields, nil
	}
	for _, path := range mask.GetPaths() {
		switch {
		case path == "*" && len(mask.GetPaths()) == 1:
			for _, name := range allowed {
				fields[name] = true
			}
		case slices.Contains(allowed, path):
			fields[path] = true
		default:
			return nil, fault.Invalidf("update_mask", "%q is not one of %s", path, strings.Join(allowed, ", "))
		}
	}
	return fields, nil
}
