package header

import (
	"encoding/base64"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// maxTusMetadataBytes bounds an Upload-Metadata, which is kept with the upload.
const maxTusMetadataBytes = 4 << 10

// TusMetadata are the pairs of an Upload-Metadata by their keys, values decoded.
type TusMetadata map[string]string

// ParseTusMetadata reads Upload-Metadata (tus 1.0, extension Creation): pairs
// of a key and a value in Base64, separated by a space, joined by commas. A
// value may be left out. It also returns the field as a client is to see it
// again. INVALID_ARGUMENT when a key is empty, comes twice or holds what is not
// printable, when a value is not Base64, and when the whole is above 4 KiB.
func ParseTusMetadata(lines []string) (pairs TusMetadata, canonical string, err error) {
	const name = "Upload-Metadata"
	var b strings.Builder
	for element := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		element = strings.Trim(element, " \t")
		if element == "" {
			continue // RFC 9110, section 5.6.1.2
		}
		key, encoded, _ := strings.Cut(element, " ")
		encoded = strings.Trim(encoded, " \t")
		if !isTusKey(key) {
			return nil, "", fault.Invalidf(name, "want keys of printable characters, not %.40q", key)
		}
		if _, twice := pairs[key]; twice {
			return nil, "", fault.Invalidf(name, "%.40q is there twice", key)
		}
		value, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || strings.ContainsAny(encoded, "\r\n") { // which it would skip
			return nil, "", fault.Invalidf(name, "the value of %.40q is not Base64", key)
		}
		if pairs == nil {
			pairs = TusMetadata{}
		}
		pairs[key] = string(value)
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(key)
		if encoded != "" {
			b.WriteString(" " + encoded)
		}
		if b.Len() > maxTusMetadataBytes {
			return nil, "", fault.Invalidf(name, "longer than %d bytes", maxTusMetadataBytes)
		}
	}
	return pairs, b.String(), nil
}

// isTusKey reports whether a key has characters, none of which would end it or
// be none. The specification asks for ASCII as a SHOULD, which is not ours to
// insist on, but what the field holds goes back to clients.
func isTusKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] == 0x7f {
			return false
		}
	}
	return key != ""
}
