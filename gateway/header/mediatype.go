package header

import (
	"mime"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// maxMediaTypeBytes bounds what is kept with a node.
const maxMediaTypeBytes = 255

// ParseContentType reads the Content-Type of contents. It returns "" when it
// says nothing about them: absent, or application/x-www-form-urlencoded, which
// curl sends unasked. INVALID_ARGUMENT when it is not a media type.
func ParseContentType(lines []string) (string, error) {
	if len(lines) == 0 {
		return "", nil
	}
	if len(lines) > 1 {
		return "", fault.Invalidf("Content-Type", "sent more than once")
	}
	value := strings.Trim(lines[0], " \t")
	if value == "" {
		return "", nil
	}
	if len(value) > maxMediaTypeBytes {
		return "", fault.Invalidf("Content-Type", "longer than %d bytes", maxMediaTypeBytes)
	}
	base, params, err := mime.ParseMediaType(value)
	if err != nil {
		return "", fault.Invalidf("Content-Type", "not a media type: %v", err)
	}
	if _, subtype, ok := strings.Cut(base, "/"); !ok || subtype == "" {
		return "", fault.Invalidf("Content-Type", "want type/subtype")
	}
	switch {
	case base == "application/x-www-form-urlencoded":
		return "", nil
	case len(params) == 0:
		return base, nil
	}
	full := mime.FormatMediaType(base, params)
	if full == "" || len(full) > maxMediaTypeBytes {
		return "", fault.Invalidf("Content-Type", "parameters cannot be kept")
	}
	return full, nil
}

// CheckContentEncoding refuses every coding but identity with
// UNSUPPORTED_MEDIA: Holdfast stores what is sent, and would otherwise serve
// compressed bytes as if they were the contents.
func CheckContentEncoding(lines []string) error {
	for _, line := range lines {
		for coding := range strings.SplitSeq(line, ",") {
			coding = strings.Trim(coding, " \t")
			if coding != "" && !strings.EqualFold(coding, "identity") {
				return fault.New(errorsv1.Reason_REASON_UNSUPPORTED_MEDIA,
					"Content-Encoding: %.40q is not supported, send the contents as they are", coding)
			}
		}
	}
	return nil
}
