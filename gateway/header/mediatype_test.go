package header

import (
	"mime"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

func TestParseContentType(t *testing.T) {
	for line, want := range map[string]string{
		"":                                  "",
		"  ":                                "",
		"text/plain":                        "text/plain",
		"Image/PNG":                         "image/png",
		"text/plain; charset=UTF-8":         "text/plain; charset=UTF-8",
		"text/html;charset=utf-8":           "text/html; charset=utf-8",
		"application/x-www-form-urlencoded": "",
		"application/x-www-form-urlencoded; charset=utf-8": "",
		"application/octet-stream":                         "application/octet-stream",
	} {
		if got, err := ParseContentType([]string{line}); err != nil || got != want {
			t.Errorf("ParseContentType(%q) = %q, %v; want %q", line, got, err, want)
		}
	}
	if got, err := ParseContentType(nil); got != "" || err != nil {
		t.Errorf("without the field: %q, %v", got, err)
	}
}

func TestParseContentTypeRefuses(t *testing.T) {
	for _, lines := range [][]string{
		{"text"}, {"text/"}, {"/plain"}, {"text/plain/x"}, {"text plain"}, {"text/plain; charset"}, {"text/plain; a=b; a=c"},
		{"text/plain", "text/html"}, {"text/" + strings.Repeat("x", 300)}, {"@/@"},
	} {
		if got, err := ParseContentType(lines); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("ParseContentType(%q) = %q, %v; want INVALID_ARGUMENT", lines, got, err)
		}
	}
}

func TestCheckContentEncoding(t *testing.T) {
	for _, lines := range [][]string{nil, {""}, {"identity"}, {"Identity, identity"}} {
		if err := CheckContentEncoding(lines); err != nil {
			t.Errorf("%q: %v", lines, err)
		}
	}
	for _, lines := range [][]string{{"gzip"}, {"identity, br"}, {"identity", "zstd"}, {"aws-chunked"}} {
		if err := CheckContentEncoding(lines); fault.ReasonOf(err) != errorsv1.Reason_REASON_UNSUPPORTED_MEDIA {
			t.Errorf("%q: %v", lines, err)
		}
	}
}

func FuzzParseContentType(f *testing.F) {
	for _, seed := range []string{"text/plain", `a/b; c="d\"e"`, "text/plain; charset=utf-8; x*=UTF-8''%e2%82", ";", "a/b;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, err := ParseContentType([]string{line})
		if err != nil || got == "" {
			return
		}
		if len(got) > maxMediaTypeBytes || strings.ContainsAny(got, "\r\n\x00") {
			t.Fatalf("%q became %q", line, got)
		}
		if _, _, err := mime.ParseMediaType(got); err != nil {
			t.Fatalf("%q became %q, which is none: %v", line, got, err)
		}
		if again, err := ParseContentType([]string{got}); err != nil || again != got {
			t.Fatalf("%q became %q, which becomes %q, %v", line, got, again, err)
		}
	})
}
