package api

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// MaxNameBytes bounds a name in a folder.
const MaxNameBytes = 255

// Path is an absolute path in a space: names joined and led by "/". The root
// folder is "/". Make one with ParsePath and Join.
type Path string

// Root is the root folder.
const Root Path = "/"

// ErrNotNFC is what CheckName reports for a name that the server would store
// in another form than the one given.
var ErrNotNFC = errors.New("name is not in Unicode normal form C")

// ParsePath reads a path as people type it: the leading slash and one trailing
// slash may be there or not, and names may be in any Unicode normal form.
func ParsePath(text string) (Path, error) {
	switch text {
	case "":
		return "", fault.Invalidf("path", "must not be empty; the root folder is /")
	case "/":
		return Root, nil
	}
	trimmed := strings.TrimSuffix(strings.TrimPrefix(text, "/"), "/")
	path := Root
	for name := range strings.SplitSeq(trimmed, "/") {
		name = norm.NFC.String(name)
		if err := CheckName(name); err != nil {
			return "", fault.Wrap(err, fault.Invalid.Reason, "%q is not a path", text)
		}
		path = path.Join(name)
	}
	return path, nil
}

// CheckName reports why a node can't be called name, or nil.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("name is empty")
	case !utf8.ValidString(name):
		return errors.New("name is not valid UTF-8")
	case len(name) > MaxNameBytes:
		return fmt.Errorf("name has %d bytes, the limit is %d", len(name), MaxNameBytes)
	case name == "." || name == "..":
		return fmt.Errorf("name must not be %q", name)
	case strings.ContainsRune(name, '/'):
		return errors.New("name contains a slash")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("name contains a control character")
	case !norm.NFC.IsNormalString(name):
		return ErrNotNFC
	}
	return nil
}

// Join returns the path of name in the folder p.
func (p Path) Join(name string) Path {
	if p == Root {
		return Root + Path(name)
	}
	return p + "/" + Path(name)
}

// Split returns the folder that p is in and the name of p there. The root
// folder is in itself and has no name.
func (p Path) Split() (folder Path, name string) {
	i := strings.LastIndexByte(string(p), '/')
	if i == 0 {
		return Root, string(p[1:])
	}
	return p[:i], string(p[i+1:])
}

// escape returns p for use in a URL's path, each name percent-encoded on its
// own; the root folder is "/".
func (p Path) escape() string {
	var b strings.Builder
	for name := range strings.SplitSeq(string(p[1:]), "/") {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(name))
	}
	return b.String()
}
