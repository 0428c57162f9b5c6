package api

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
)

func TestParsePath(t *testing.T) {
	longest := strings.Repeat("x", MaxNameBytes)
	for _, test := range []struct{ text, path, escaped string }{
		{"/", "/", "/"},
		{"/docs/a.pdf", "/docs/a.pdf", "/docs/a.pdf"},
		{"docs/a.pdf", "/docs/a.pdf", "/docs/a.pdf"},
		{"/docs/", "/docs", "/docs"},
		{"/a b/c", "/a b/c", "/a%20b/c"},
		{"/100%", "/100%", "/100%25"},
		{"/a%2Fb", "/a%2Fb", "/a%252Fb"},
		{"/%2e%2e", "/%2e%2e", "/%252e%252e"},
		{"/#1?x=y&z;,+@:$=", "/#1?x=y&z;,+@:$=", "/%231%3Fx=y&z%3B%2C+@:$="},
		{"/größe", "/größe", "/gr%C3%B6%C3%9Fe"},
		{"/gro\u0308ße", "/größe", "/gr%C3%B6%C3%9Fe"},
		{"/日本/🗂", "/日本/🗂", "/%E6%97%A5%E6%9C%AC/%F0%9F%97%82"},
		{"/...", "/...", "/..."},
		{"/ ", "/ ", "/%20"},
		{`/a\b"c'`, `/a\b"c'`, "/a%5Cb%22c%27"},
		{"/" + longest, Path("/" + longest).string(), "/" + longest},
	} {
		path, err := ParsePath(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		if string(path) != test.path || path.escape() != test.escaped {
			t.Errorf("%q: got %q, escaped %q; want %q, %q", test.text, path, path.escape(), test.path, test.escaped)
		}
	}
}

func (p Path) string() string { return string(p) }

func TestParsePathRefuses(t *testing.T) {
	for _, text := range []string{
		"", "//", "/a//b", "/a/./b", "/a/..", "..", "/a\x00b", "/a\nb", "/\u0085", "/\xff",
		"/" + strings.Repeat("x", MaxNameBytes+1),
		"/" + strings.Repeat("ä", MaxNameBytes/2+1),
	} {
		if path, err := ParsePath(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: got %q, %v; want INVALID_ARGUMENT", text, path, err)
		}
	}
}

func TestCheckNameWantsNFC(t *testing.T) {
	if err := CheckName("o\u0308"); !errors.Is(err, ErrNotNFC) {
		t.Errorf("got %v", err)
	}
}

func TestPathParts(t *testing.T) {
	for _, test := range []struct{ path, folder, name string }{
		{"/a/b/c", "/a/b", "c"},
		{"/a", "/", "a"},
		{"/", "/", ""},
	} {
		folder, name := Path(test.path).Split()
		if string(folder) != test.folder || name != test.name {
			t.Errorf("%q: got %q and %q", test.path, folder, name)
		}
		if name != "" && folder.Join(name) != Path(test.path) {
			t.Errorf("%q: joined again it is %q", test.path, folder.Join(name))
		}
	}
}

// FuzzEscape checks that a server finds in the URL the very names that were
// put into it, whatever they are.
func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"a b", "%2F", "?#", "ü/日", "a+b", "..%", "~", "C:\\x", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := ParsePath(text)
		if err != nil || path == Root {
			t.Skip("not a path")
		}
		parsed, err := url.Parse("http://host/paths" + path.escape())
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		var names []string
		for segment := range strings.SplitSeq(strings.TrimPrefix(parsed.EscapedPath(), "/paths/"), "/") {
			name, err := url.PathUnescape(segment)
			if err != nil {
				t.Fatalf("%q: %v", path, err)
			}
			names = append(names, name)
		}
		if got := "/" + strings.Join(names, "/"); got != string(path) {
			t.Errorf("%q arrives as %q", path, got)
		}
	})
}
