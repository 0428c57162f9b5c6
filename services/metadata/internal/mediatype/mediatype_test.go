package mediatype_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/holdfast-files/holdfast/services/metadata/internal/mediatype"
)

// FuzzOf holds that what is taken for a type can stand in a header.
func FuzzOf(f *testing.F) {
	for _, seed := range []string{"text/plain", "text/plain; charset=utf-8", "", "text", "a/b; c=\"\\\"\"", "a/b\r\nX: y", "a/b; c=\"\x01\""} {
		f.Add(seed, "x.PNG")
	}
	f.Fuzz(func(t *testing.T, given, name string) {
		taken, err := mediatype.Of(given, name)
		if err != nil {
			return
		}
		if strings.ContainsFunc(taken, unicode.IsControl) || !strings.Contains(taken, "/") || len(taken) > 255 {
			t.Errorf("%q of %q is taken as %q", given, name, taken)
		}
		if err := mediatype.Check(taken); err != nil {
			t.Errorf("%q of %q is taken as %q: %v", given, name, taken, err)
		}
	})
}
