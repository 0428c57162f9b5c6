package header

import (
	"mime"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// Disposition returns the Content-Disposition of contents (RFC 6266): inline
// for types that no browser runs, else, or when attachment is asked for,
// attachment; with the name in ASCII and, exactly, in UTF-8 (RFC 8187).
func Disposition(name, contentType string, attachment bool) string {
	kind := "inline"
	if attachment || !Inline(contentType) {
		kind = "attachment"
	}
	var b strings.Builder
	b.Grow(len(kind) + len(name)*4 + 32)
	b.WriteString(kind)
	b.WriteString(`; filename="`)
	for _, r := range name {
		if r < ' ' || r >= 0x7f || r == '"' || r == '\\' || r == '%' {
			r = '_'
		}
		b.WriteByte(byte(r))
	}
	b.WriteString(`"; filename*=UTF-8''`)
	for i := range len(name) {
		writeExtended(&b, name[i])
	}
	return b.String()
}

// Inline reports whether a browser may show contents of the type in place:
// images without scripts, audio, video and plain text.
func Inline(contentType string) bool {
	base, _, _ := strings.Cut(contentType, ";")
	base = strings.ToLower(strings.Trim(base, " \t"))
	switch base {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain":
		return true
	}
	return strings.HasPrefix(base, "audio/") || strings.HasPrefix(base, "video/")
}

// writeExtended writes c as value-chars of RFC 8187, section 3.2.1.
func writeExtended(b *strings.Builder, c byte) {
	const hexDigits = "0123456789ABCDEF"
	if isAttrChar(c) {
		b.WriteByte(c)
		return
	}
	b.WriteByte('%')
	b.WriteByte(hexDigits[c>>4])
	b.WriteByte(hexDigits[c&15])
}

func isAttrChar(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$&+-.^_`|~", c) >= 0
}

// ParseDispositionName returns the name that a Content-Disposition gives to
// what is sent (RFC 6266), that of filename* rather than filename; "" when
// there is none. INVALID_ARGUMENT when the field is malformed.
func ParseDispositionName(lines []string) (string, error) {
	if len(lines) == 0 {
		return "", nil
	}
	if len(lines) > 1 {
		return "", fault.Invalidf("Content-Disposition", "sent more than once")
	}
	_, params, err := mime.ParseMediaType(lines[0])
	if err != nil {
		return "", fault.Invalidf("Content-Disposition", "malformed: %v", err)
	}
	return params["filename"], nil
}
