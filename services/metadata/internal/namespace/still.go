package namespace

import (
	"context"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// identity returns what a grant keeps of a principal.
func identity(p access.Principal) *recordv1.Identity {
	return &recordv1.Identity{
		Principal: p.ID, Kind: int32(p.Kind), Groups: p.Groups,
		Administrator: p.Administrator && len(p.KeyHash) == 0, KeyHash: p.KeyHash,
	}
}

// stillAllowed checks that who began something may still do it. His credential
// may have expired meanwhile: he had it when he began. But a key that was
// revoked is UNAUTHENTICATED, as is what everybody began in open mode when
// identity is configured now, and a role that was taken away NOT_FOUND or
// PERMISSION_DENIED.
func (n *Namespace) stillAllowed(ctx context.Context, who *recordv1.Identity, space string, least access.Role) error {
	if access.Kind(who.GetKind()) == access.KindAnonymous && n.config.Identified {
		return fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "it was begun when nobody had to say who he is")
	}
	p := access.Principal{
		ID: who.GetPrincipal(), Kind: access.Kind(who.GetKind()),
		Groups: who.GetGroups(), Administrator: who.GetAdministrator(),
	}
	if len(who.GetKeyHash()) > 0 {
		borne, err := n.readKey(ctx, who.GetKeyHash())
		if err != nil {
			return err
		}
		p = borne.principal
	}
	return access.Authorize(ctx, n, p, space, least)
}

// mayShare checks again that the caller has a role, for a commit that gives others
// access: it must not come after the one that took his own away, or he would be
// back by the member, key or link that he made on the way out. The commit has to
// hold the head that was read before this, which each change of a member changes;
// for a caller with a key it gets the writes returned, which hold the key.
//
// Errors: those of stillAllowed.
func (n *Namespace) mayShare(ctx context.Context, space string, least access.Role) ([]table.Write, error) {
	caller, err := access.Of(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.stillAllowed(ctx, identity(caller), space, least); err != nil {
		return nil, err
	}
	if len(caller.KeyHash) == 0 || n.isBootstrap(caller.KeyHash) {
		return nil, nil
	}
	return []table.Write{table.Check(record.APIKeyHash(caller.KeyHash), table.IfPresent)}, nil
}

// byClaim reports whether a user's right in a space comes from his token alone, as
// an administrator or as one of a group, and not from his own membership. Nobody
// tells when such a right ends.
func (n *Namespace) byClaim(ctx context.Context, p access.Principal, space string) (bool, error) {
	if p.Kind != access.KindUser {
		return false, nil
	}
	own, err := n.RoleIn(ctx, space, []string{p.ID})
	return own == access.None, err
}
