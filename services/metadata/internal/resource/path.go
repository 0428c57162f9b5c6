package resource

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/holdfast-files/holdfast/internal/fault"
)

const (
	// MaxNameBytes bounds a display name, as file systems do.
	MaxNameBytes = 255
	// MaxPathBytes bounds a path.
	MaxPathBytes = 64 << 10
	// MaxPathNames bounds the depth that a path can reach.
	MaxPathNames = 2048
)

// DisplayName checks a name that is to be given to a node, or to be looked
// for, and returns it in NFC, the one form that is stored: names that look
// alike are alike, whatever keyboard or file system they come from.
func DisplayName(field, name string) (string, error) {
	if name == "" {
		return "", fault.Invalidf(field, "must not be empty")
	}
	if !utf8.ValidString(name) {
		return "", fault.Invalidf(field, "must be UTF-8")
	}
	name = norm.NFC.String(name)
	switch {
	case len(name) > MaxNameBytes:
		return "", fault.Invalidf(field, "must not be longer than %d bytes, has %d", MaxNameBytes, len(name))
	case name == "." || name == "..":
		return "", fault.Invalidf(field, "must not be %q", name)
	case strings.Contains(name, "/"):
		return "", fault.Invalidf(field, "must not contain a slash")
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", fault.Invalidf(field, "must not contain control characters")
	}
	return name, nil
}

// Path splits an absolute path into checked names; "/" has none.
func Path(field, path string) ([]string, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fault.Invalidf(field, "must begin with a slash")
	}
	if len(path) > MaxPathBytes {
		return nil, fault.Invalidf(field, "must not be longer than %d bytes", MaxPathBytes)
	}
	if path == "/" {
		return nil, nil
	}
	names := strings.Split(path[1:], "/")
	if len(names) > MaxPathNames {
		return nil, fault.Invalidf(field, "must not have more than %d names", MaxPathNames)
	}
	for i, name := range names {
		checked, err := DisplayName(field, name)
		if err != nil {
			return nil, err
		}
		names[i] = checked
	}
	return names, nil
}

// Text checks free text for people: UTF-8 without control characters.
func Text(field, text string, maxBytes int) error {
	switch {
	case len(text) > maxBytes:
		return fault.Invalidf(field, "must not be longer than %d bytes", maxBytes)
	case !utf8.ValidString(text):
		return fault.Invalidf(field, "must be UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return fault.Invalidf(field, "must not contain control characters")
	}
	return nil
}
