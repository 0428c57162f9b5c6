package rest

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// plainSegment returns a segment of a route: an id or a literal. Both consist
// of characters that need no encoding, so that an encoded one is accepted only
// where it means the same (RFC 3986, section 6.2.2.2).
func plainSegment(segment string) (string, error) {
	encoded := strings.IndexByte(segment, '%') >= 0
	if encoded {
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			return "", fault.Invalidf("path", "invalid percent-encoding in %q", clip(segment))
		}
		segment = decoded
	}
	if segment == "" || segment == "." || segment == ".." {
		return "", fault.Invalidf("path", "empty, %q and %q segments are not interpreted", ".", "..")
	}
	for i := range len(segment) {
		if c := segment[i]; !isUnreserved(c) && (encoded || c != ':') {
			return "", fault.Invalidf("path", "%q cannot stand in an id", clip(segment))
		}
	}
	return segment, nil
}

func isUnreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}

// filePath decodes the escaped path of a file, without its leading slash, to
// the absolute path that metadata knows. Every segment must be a name: nothing
// is cleaned, and nothing that decodes to more than a name is accepted.
func filePath(escaped string) (string, error) {
	var b strings.Builder
	b.Grow(len(escaped) + 1)
	for segment := range strings.SplitSeq(escaped, "/") {
		name, err := url.PathUnescape(segment)
		if err != nil {
			return "", fault.Invalidf("path", "invalid percent-encoding in %q", clip(segment))
		}
		if err := checkName(name); err != nil {
			return "", err
		}
		b.WriteByte('/')
		b.WriteString(name)
	}
	return b.String(), nil
}

// checkName refuses what cannot be one name in a path. The rest of the rules
// for names is metadata's.
func checkName(name string) error {
	switch {
	case name == "":
		return fault.Invalidf("path", "an empty segment is no name; a path does not end with a slash")
	case name == "." || name == "..":
		return fault.Invalidf("path", "%q is not interpreted", name)
	case strings.IndexByte(name, '/') >= 0:
		return fault.Invalidf("path", "a name cannot hold an encoded slash: %q", clip(name))
	case !utf8.ValidString(name):
		return fault.Invalidf("path", "not UTF-8: %q", clip(name))
	case strings.ContainsFunc(name, unicode.IsControl):
		return fault.Invalidf("path", "a name cannot hold control characters: %q", clip(name))
	}
	return nil
}

// clip shortens what a client sent for a message to it.
func clip(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
