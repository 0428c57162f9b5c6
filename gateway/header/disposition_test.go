package header

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"
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
