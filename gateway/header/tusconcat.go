package header

import (
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// TusConcat is the value of Upload-Concat (tus 1.0, extension Concatenation).
// The zero value means that there was none.
type TusConcat struct {
	// Partial says that the upload is to be a part of another.
	Partial bool
	// Final are the URLs of the parts that the upload is to be made of, in
	// their order; relative or absolute, as the client got or resolved them.
	Final []string
}

// ParseTusConcat reads Upload-Concat: "partial", or "final;" and the URLs of
// partial uploads, separated by spaces. INVALID_ARGUMENT for anything else.
func ParseTusConcat(lines []string) (TusConcat, error) {
	const name = "Upload-Concat"
	switch len(lines) {
	case 0:
		return TusConcat{}, nil
	case 1:
	default:
		return TusConcat{}, fault.Invalidf(name, "sent more than once")
	}
	value := strings.Trim(lines[0], " \t")
	if value == "partial" {
		return TusConcat{Partial: true}, nil
	}
	urls, ok := strings.CutPrefix(value, "final;")
	if !ok {
		return TusConcat{}, fault.Invalidf(name, `want "partial" or "final;" and the URLs of the parts`)
	}
	final := strings.Fields(urls)
	if len(final) == 0 {
		return TusConcat{}, fault.Invalidf(name, "names no part")
	}
	return TusConcat{Final: final}, nil
}
