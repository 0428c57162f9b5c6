package namespace

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-files/holdfast/internal/fault"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// rolesAtOnce bounds the roles of one principal that are read at the same time.
const rolesAtOnce = 8

// rememberedRoles are the roles that are remembered, over all spaces.
const rememberedRoles = 1 << 15

type roleKey struct{ space, names string }

// standingRole is a role under the policy version at which it was read. Each
// change of a member raises the version, so a role that was taken away is gone
// for the next call.
type standingRole struct {
	version int64
	role    access.Role
}

// RoleIn returns the strongest role that any of the names has in a space: one
// read, of the head, when it is remembered. Only roles that there are are
// remembered: who has none costs the same reads whether there is such a space
// or not.
func (n *Namespace) RoleIn(ctx context.Context, space string, names []string) (access.Role, error) {
	if !resource.ValidSpaceID(space) || len(names) == 0 {
		return access.None, nil
	}
	h, err := n.head(ctx, space)
	exists := err == nil
	if err != nil && !errors.Is(err, fault.NotFound) {
		return access.None, err
	}
	key, version := roleKey{space, strings.Join(names, "\x00")}, h.space.GetPolicyVersion()
	if known, ok := n.roles.Get(key); exists && ok && known.version == version {
		return known.role, nil
	}
	strongest, err := n.readRoles(ctx, space, names)
	if err != nil || !exists || strongest == access.None {
		return access.None, err
	}
	n.roles.Add(key, standingRole{version: version, role: strongest})
	return strongest, nil
}

// readRoles returns the strongest role that any of the names has by its record.
func (n *Namespace) readRoles(ctx context.Context, space string, names []string) (access.Role, error) {
	roles := make([]access.Role, len(names))
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(rolesAtOnce)
	for i, name := range names {
		readers.Go(func() error {
			item, err := n.table.Get(ctx, record.Member(space, record.MemberID(name)))
			if errors.Is(err, table.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			member := new(recordv1.Member)
			if err := record.Decode(item, member); err != nil {
				return err
			}
			if member.GetPrincipal() == name {
				roles[i] = access.Role(member.GetRole())
			}
			return nil
		})
	}
	err := readers.Wait()
	strongest := access.None
	for _, role := range roles {
		strongest = max(strongest, role)
	}
	return strongest, err
}

// raisePolicy returns the write that raises the policy version of a space.
func raisePolicy(read head) table.Write {
	space := clone(read.space)
	space.PolicyVersion++
	return putHead(read, space)
}
