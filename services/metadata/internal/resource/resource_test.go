package resource_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
)

func FuzzNames(f *testing.F) {
	for _, seed := range []string{
		"spaces/default", "spaces/default/files/root", "spaces/a-b/files/01890a5d-ac96-774b-bcce-b302099a8057",
		"spaces/a-b/files/01890a5d-ac96-774b-bcce-b302099a8057/revisions/01890a5d-ac96-774b-bcce-b302099a8057",
		"spaces//files/", "spaces/default/files/..", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if space, err := resource.ParseSpace("name", name); err == nil && resource.SpaceName(space) != name {
			t.Errorf("%q is read as space %q", name, space)
		}
		if file, err := resource.ParseFile("name", name); err == nil && file.String() != name {
			t.Errorf("%q is read as %v", name, file)
		}
		if revision, err := resource.ParseRevision("name", name); err == nil && revision.String() != name {
			t.Errorf("%q is read as %v", name, revision)
		}
		if member, err := resource.ParseMember("name", name); err == nil && member.String() != name {
			t.Errorf("%q is read as %v", name, member)
		}
		if key, err := resource.ParseKey("name", name); err == nil && key.String() != name {
			t.Errorf("%q is read as %v", name, key)
		}
	})
}

// FuzzDisplayName holds that a name that is taken can stand in a path and in a
// key, and is taken as it is the next time.
func FuzzDisplayName(f *testing.F) {
	for _, seed := range []string{
		"a", "ä", "a\u0308", ".", "..", "...", "a/b", "\x00", "\x7f", "\u0085", strings.Repeat("a", 255),
		strings.Repeat("a", 256), "\xff", "", "\u0344", "\ufb2c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		name, err := resource.DisplayName("display_name", given)
		if err != nil {
			return
		}
		again, err := resource.DisplayName("display_name", name)
		if err != nil || again != name {
			t.Errorf("%q is taken as %q, which is taken as %q, %v", given, name, again, err)
		}
		if name == "" || len(name) > resource.MaxNameBytes || !utf8.ValidString(name) || strings.ContainsAny(name, "/\x00\x01\n") {
			t.Errorf("%q is taken as %q", given, name)
		}
		names, err := resource.Path("path", "/"+name+"/"+name)
		if err != nil || !slices.Equal(names, []string{name, name}) {
			t.Errorf("%q in a path is %q, %v", name, names, err)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/", "/a", "/a/b", "a", "//", "/a/", "/./a", "/a/../b", "/\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		names, err := resource.Path("path", path)
		if err != nil {
			return
		}
		again, err := resource.Path("path", "/"+strings.Join(names, "/"))
		if err != nil || !slices.Equal(again, names) {
			t.Errorf("%q is %q, which is %q, %v", path, names, again, err)
		}
	})
}

func FuzzEtagMatches(f *testing.F) {
	f.Add(`"a"`, "a")
	f.Add(`"b", "a"`, "a")
	f.Add(`W/"a"`, "a")
	f.Add(`*`, "a")
	f.Fuzz(func(t *testing.T, given, current string) {
		if current == "" {
			return // every node has an etag
		}
		if resource.EtagMatches(given, current) && given != "" && given != "*" && !strings.Contains(given, current) {
			t.Errorf("%q matches %q", given, current)
		}
		if !resource.EtagMatches(current, current) {
			t.Errorf("%q does not match itself", current)
		}
	})
}
