package resource

import (
	"encoding/hex"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
)

// Member names a member of a space.
type Member struct {
	Space string
	ID    string
}

// String returns spaces/{space}/members/{member}.
func (m Member) String() string { return "spaces/" + m.Space + "/members/" + m.ID }

// Key names an API key.
type Key struct {
	Space string
	ID    string
}

// String returns spaces/{space}/keys/{key}.
func (k Key) String() string { return "spaces/" + k.Space + "/keys/" + k.ID }

// memberIDDigits is the length of a member's id, in hexadecimal.
const memberIDDigits = 32

// ParseMember reads spaces/{space}/members/{member}, with errors as ParseSpace.
func ParseMember(field, name string) (Member, error) {
	parts, err := split(field, name, "spaces", "members")
	if err != nil {
		return Member{}, err
	}
	raw, err := hex.DecodeString(parts[1])
	if !ValidSpaceID(parts[0]) || err != nil || len(parts[1]) != memberIDDigits || hex.EncodeToString(raw) != parts[1] {
		return Member{}, fault.New(errorsv1.Reason_REASON_NOT_FOUND, "%s not found", name)
	}
	return Member{Space: parts[0], ID: parts[1]}, nil
}

// ParseKey reads spaces/{space}/keys/{key}, with errors as ParseSpace.
func ParseKey(field, name string) (Key, error) {
	parts, err := split(field, name, "spaces", "keys")
	if err != nil {
		return Key{}, err
	}
	if !ValidSpaceID(parts[0]) || !ValidID(parts[1]) || parts[1] == record.Root {
		return Key{}, fault.New(errorsv1.Reason_REASON_NOT_FOUND, "%s not found", name)
	}
	return Key{Space: parts[0], ID: parts[1]}, nil
}
