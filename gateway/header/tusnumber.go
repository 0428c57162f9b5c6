package header

import (
	"strconv"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// ParseTusNumber reads Upload-Offset or Upload-Length as tus 1.0 has them: a
// non-negative integer in digits. It returns nil when the field is not there.
// INVALID_ARGUMENT for anything else than digits, also for a number that no
// file is as long as.
func ParseTusNumber(name string, lines []string) (*int64, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	if len(lines) > 1 {
		return nil, fault.Invalidf(name, "sent more than once")
	}
	text := strings.Trim(lines[0], " \t")
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return nil, fault.Invalidf(name, "want a number of bytes, not %.40q", text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fault.Invalidf(name, "%.40s is more than any file has", text)
	}
	return &n, nil
}

// ParseTusDefer reads Upload-Defer-Length and reports whether it was there.
// INVALID_ARGUMENT for any other value than 1, as the extension asks.
func ParseTusDefer(lines []string) (bool, error) {
	if len(lines) == 0 {
		return false, nil
	}
	if len(lines) > 1 || strings.Trim(lines[0], " \t") != "1" {
		return false, fault.Invalidf("Upload-Defer-Length", "want 1")
	}
	return true, nil
}
