package access

import (
	"context"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// Members says which roles users and groups have.
type Members interface {
	// RoleIn returns the strongest role that any of the names has in a space;
	// None when none has one, and when there is no such space. It costs the same
	// reads in both cases.
	RoleIn(ctx context.Context, space string, names []string) (Role, error)
}

// Authorize checks that a principal has at least a role in a space.
//
// Errors: NOT_FOUND when he has none, just as for a space that does not exist,
// PERMISSION_DENIED when it is too weak, and those of Members.
func Authorize(ctx context.Context, members Members, p Principal, space string, least Role) error {
	if p.Administrator {
		return nil
	}
	has, err := roleIn(ctx, members, p, space)
	switch {
	case err != nil:
		return err
	case has == None:
		return fault.New(errorsv1.Reason_REASON_NOT_FOUND, "spaces/%s not found", space)
	case has < least:
		return denied()
	}
	return nil
}

func roleIn(ctx context.Context, members Members, p Principal, space string) (Role, error) {
	switch {
	case p.Space == space:
		return p.Role, nil
	case p.Space != "":
		return None, nil
	}
	return members.RoleIn(ctx, space, p.Names())
}

func denied() error {
	return fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED, "your role does not allow this")
}

// authorize checks that a principal may make a call.
func (r rule) authorize(ctx context.Context, members Members, p Principal, req any) error {
	if p.Administrator || r.nobody {
		return nil
	}
	if r.in != nil {
		space, err := spaceOf(r.in(req))
		if err != nil {
			return err
		}
		if err := Authorize(ctx, members, p, space, r.role); err != nil {
			return err
		}
	}
	if r.administrator {
		return denied()
	}
	return nil
}

// spaceOf returns the id of the space that a resource lies in.
func spaceOf(field, name string) (string, error) {
	rest, ok := strings.CutPrefix(name, "spaces/")
	space, _, _ := strings.Cut(rest, "/")
	if !ok || space == "" {
		return "", fault.Invalidf(field, "must have the form spaces/*")
	}
	return space, nil
}
