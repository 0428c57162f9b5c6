package namespace

import (
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/seal"
)

// FuzzPageToken holds that only a token that was handed out goes on, and only
// for the request that it was handed out for.
func FuzzPageToken(f *testing.F) {
	f.Add("token", "sort", "spaces/a", "spaces/b")
	f.Fuzz(func(t *testing.T, token, sort, parent, other string) {
		ctx := access.With(t.Context(), access.Anonymous)
		n := &Namespace{key: seal.RingOf("secret")}
		asked := &metadatav1.ListFilesRequest{Parent: parent}
		sealed, err := n.sealCursor(ctx, asked, sort)
		if err != nil {
			return // a name that is not UTF-8
		}
		if got, err := n.openCursor(ctx, asked, sealed); err != nil || got != sort {
			t.Errorf("opened %q, %v", got, err)
		}
		if _, err := n.openCursor(ctx, &metadatav1.ListFilesRequest{Parent: other}, sealed); err == nil && other != parent {
			t.Errorf("a token for %q goes on in %q", parent, other)
		}
		if _, err := n.openCursor(ctx, asked, token); err == nil && token != "" && token != sealed {
			t.Errorf("forged: %q", token)
		}
	})
}

func FuzzMask(f *testing.F) {
	for _, seed := range []string{"", "*", "labels", "name", "labels.a", "display_name"} {
		f.Add(seed, "labels")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		allowed := []string{"display_name", "labels"}
		fields, err := maskOf(&fieldmaskpb.FieldMask{Paths: []string{first, second}}, &metadatav1.File{}, allowed...)
		if err != nil {
			return
		}
		for field, set := range fields {
			if set && field != first && field != second {
				t.Errorf("%q, %q set %q", first, second, field)
			}
		}
		if !fields[first] || !fields[second] {
			t.Errorf("%q, %q are read as %v", first, second, fields)
		}
	})
}
