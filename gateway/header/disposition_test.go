package header

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/holdfast-files/holdfast/internal/fault"
)

func TestDisposition(t *testing.T) {
	for _, c := range []struct {
		name, contentType string
		attachment        bool
		want              string
	}{
		{"a.png", "image/png", false, `inline; filename="a.png"; filename*=UTF-8''a.png`},
		{"a.png", "image/png", true, `attachment; filename="a.png"; filename*=UTF-8''a.png`},
		{"a.html", "text/html", false, `attachment; filename="a.html"; filename*=UTF-8''a.html`},
		{`a "b\c%41.txt`, "text/plain; charset=utf-8", false, `inline; filename="a _b_c_41.txt"; filename*=UTF-8''a%20%22b%5Cc%2541.txt`},
		{"naïve €.txt", "text/plain", false, `inline; filename="na_ve _.txt"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt`},
		{"a;b='c'.mp4", "video/mp4", false, `inline; filename="a;b='c'.mp4"; filename*=UTF-8''a%3Bb%3D%27c%27.mp4`},
	} {
		if got := Disposition(c.name, c.contentType, c.attachment); got != c.want {
			t.Errorf("Disposition(%q, %q, %v) = %s, want %s", c.name, c.contentType, c.attachment, got, c.want)
		}
	}
}

// The list is that of the contract: everything else could run scripts, or is
// nothing that a browser shows.
func TestInline(t *testing.T) {
	for _, yes := range []string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "audio/mpeg", "video/webm", "text/plain", "TEXT/PLAIN; charset=x", "Image/Png "} {
		if !Inline(yes) {
			t.Errorf("%s is not inline", yes)
		}
	}
	for _, no := range []string{"", "text/html", "image/svg+xml", "application/pdf", "application/xhtml+xml", "text/xml", "text/css", "text/javascript", "application/octet-stream", "image/", "audio", "text/plainx"} {
		if Inline(no) {
			t.Errorf("%q is inline", no)
		}
	}
}

func FuzzDisposition(f *testing.F) {
	for _, seed := range []string{"a.txt", `"\`, "日本語", "a%20b", "\u202egnp.exe", "'", strings.Repeat("é", 127)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) {
			return // no node is named so
		}
		got := Disposition(name, "text/html", false)
		for i := range len(got) {
			if got[i] < ' ' || got[i] > '~' {
				t.Fatalf("%q holds byte %#x", got, got[i])
			}
		}
		kind, params, err := mime.ParseMediaType(got)
		if err != nil || kind != "attachment" || params["filename"] != name {
			t.Fatalf("%q reads as %q, %q, %v", got, kind, params, err)
		}
	})
}

func TestParseDispositionName(t *testing.T) {
	for line, want := range map[string]string{
		``:                                   "",
		`inline`:                             "",
		`inline; filename="a b.txt"`:         "a b.txt",
		`attachment; filename=a.txt`:         "a.txt",
		`inline; filename="\"a\".txt"`:       `"a".txt`,
		`inline; filename*=UTF-8''%e2%82%ac`: "€",
		`inline; filename="file name.jpg"; filename*=UTF-8''file%20n%C3%A4me.jpg`: "file näme.jpg",
		`form-data; name="file"; filename="x"`:                                    "x",
	} {
		lines := []string{line}
		if line == "" {
			lines = nil
		}
		if got, err := ParseDispositionName(lines); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", line, got, err, want)
		}
	}
	for _, lines := range [][]string{{""}, {"inline", "inline"}, {`inline; filename="a`}, {`inline; filename=a; filename=b`}, {`inline; =x`}} {
		if got, err := ParseDispositionName(lines); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("%q: %q, %v; want INVALID_ARGUMENT", lines, got, err)
		}
	}
}

// A name that Disposition writes is the name that is read.
func FuzzParseDispositionName(f *testing.F) {
	for _, seed := range []string{`inline; filename="a"`, `inline; filename*=UTF-8''%41`, `x; filename*0="a"; filename*1=b`, `inline; filename*=UTF-8''%FF`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		name, err := ParseDispositionName([]string{line})
		if err != nil || !utf8.ValidString(name) || name == "" {
			return
		}
		if again, err := ParseDispositionName([]string{Disposition(name, "", false)}); err != nil || again != name {
			t.Fatalf("%q: %q reads as %q, %v", line, name, again, err)
		}
	})
}
