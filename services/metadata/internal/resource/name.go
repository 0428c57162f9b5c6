// Package resource reads and writes resource names, paths and display names,
// the three ways in which callers say what they mean.
package resource

import (
	"strings"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
)

// File names a file or folder.
type File struct {
	Space string
	ID    string
}

// String returns spaces/{space}/files/{file}.
func (f File) String() string { return "spaces/" + f.Space + "/files/" + f.ID }

// Revision names a revision of a file.
type Revision struct {
	File
	Revision string
}

// String returns spaces/{space}/files/{file}/revisions/{revision}.
func (r Revision) String() string { return r.File.String() + "/revisions/" + r.Revision }

// Upload names a resumable upload.
type Upload struct {
	Space string
	ID    string
}

// String returns spaces/{space}/uploads/{upload}.
func (u Upload) String() string { return "spaces/" + u.Space + "/uploads/" + u.ID }

// ParseUpload reads spaces/{space}/uploads/{upload}, with errors as ParseSpace.
func ParseUpload(field, name string) (Upload, error) {
	parts, err := split(field, name, "spaces", "uploads")
	if err != nil {
		return Upload{}, err
	}
	if !ValidSpaceID(parts[0]) || !ValidID(parts[1]) || parts[1] == record.Root {
		return Upload{}, fault.New(errorsv1.Reason_REASON_NOT_FOUND, "%s not found", name)
	}
	return Upload{Space: parts[0], ID: parts[1]}, nil
}

// Share names a share link.
type Share struct {
	Space string
	ID    string
}

// String returns spaces/{space}/shares/{share}.
func (s Share) String() string { return "spaces/" + s.Space + "/shares/" + s.ID }

// ParseShare reads spaces/{space}/shares/{share}, with errors as ParseSpace.
func ParseShare(field, name string) (Share, error) {
	parts, err := split(field, name, "spaces", "shares")
	if err != nil {
		return Share{}, err
	}
	if !ValidSpaceID(parts[0]) || !ValidID(parts[1]) {
		return Share{}, fault.New(errorsv1.Reason_REASON_NOT_FOUND, "%s not found", name)
	}
	return Share{Space: parts[0], ID: parts[1]}, nil
}

// SpaceName returns spaces/{space}.
func SpaceName(space string) string { return "spaces/" + space }

// ParseSpace reads spaces/{space}. The field is named in the error
// (INVALID_ARGUMENT); an id that no space can have is NOT_FOUND.
func ParseSpace(field, name string) (string, error) {
	parts, err := split(field, name, "spaces")
	if err != nil {
		return "", err
	}
	if !ValidSpaceID(parts[0]) {
		return "", fault.New(errorsv1.Reason_REASON_NOT_FOUND, "%s not found", name)
	}
	return parts[0], nil
}

// ParseFile reads spaces/{space}/files/{file}, with errors as ParseSpace.
func ParseFile(field, name string) (File, error) {
	parts, err := split(field, name, "spaces", "files")
	if err != nil {
		return File{}, err
	}
	if !ValidSpaceID(parts[0]) || !ValidID(parts[1]) {
		return File{}, fault.New(errorsv1.Reason_REASON_NOT_FOUND, "%s not found", name)
	}
	return File{Space: parts[0], ID: parts[1]}, nil
}

// ParseRevision reads spaces/{space}/files/{file}/revisions/{revision}, with
// errors as ParseSpace.
func ParseRevision(field, name string) (Revision, error) {
	parts, err := split(field, name, "spaces", "files", "revisions")
	if err != nil {
		return Revision{}, err
	}
	if !ValidSpaceID(parts[0]) || !ValidID(parts[1]) || !ValidID(parts[2]) {
		return Revision{}, fault.New(errorsv1.Reason_REASON_NOT_FOUND, "%s not found", name)
	}
	return Revision{File: File{Space: parts[0], ID: parts[1]}, Revision: parts[2]}, nil
}

// ValidSpaceID reports whether id matches [a-z][a-z0-9-]{2,62}.
func ValidSpaceID(id string) bool {
	if len(id) < 3 || len(id) > 63 || id[0] < 'a' || id[0] > 'z' {
		return false
	}
	for i := 1; i < len(id); i++ {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// ValidID reports whether id is the root folder's or a UUID in lower case.
func ValidID(id string) bool {
	if id == record.Root {
		return true
	}
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}

func split(field, name string, collections ...string) ([]string, error) {
	parts := strings.Split(name, "/")
	ids := make([]string, 0, len(collections))
	if len(parts) == 2*len(collections) {
		for i, collection := range collections {
			if parts[2*i] != collection || parts[2*i+1] == "" {
				break
			}
			ids = append(ids, parts[2*i+1])
		}
	}
	if len(ids) < len(collections) {
		return nil, fault.Invalidf(field, "must have the form %s/*", strings.Join(collections, "/*/"))
	}
	return ids, nil
}
