// Package access is the one place that decides who may do what. The Dispatcher
// stands in every door of the metadata service, also in the one within a
// process: it finds out who calls, looks up in the policy what the method
// needs, and lets the call through or not. Behind it the principal is in the
// context.
package access

import (
	"context"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// Kind tells principals apart. The numbers are stored.
type Kind uint8

// Kinds of principals.
const (
	// KindAnonymous is everybody in open mode, in which no identity is
	// configured and only loopback is served.
	KindAnonymous Kind = iota + 1
	// KindUser is a person with a token of the issuer.
	KindUser
	// KindKey is a program with an API key.
	KindKey
	// KindShare is whoever has a share link.
	KindShare
	// KindSystem is a service of ours, at work for nobody else.
	KindSystem
)

// String returns the kind as logs show it.
func (k Kind) String() string {
	switch k {
	case KindAnonymous:
		return "anonymous"
	case KindUser:
		return "user"
	case KindKey:
		return "key"
	case KindShare:
		return "share"
	case KindSystem:
		return "system"
	}
	return "unknown"
}

// Role is what somebody may do in a space; each includes those before it. The
// numbers are stored, and are those of holdfast.metadata.v1.Member.Role.
type Role int32

// Roles.
const (
	None Role = iota
	Reader
	Writer
	Owner
)

// Principal is who calls.
type Principal struct {
	// ID names the principal in records, page tokens, outcomes and logs, such
	// as "user:alice". No two principals have the same.
	ID   string
	Kind Kind
	// Groups are those that a user's token names.
	Groups []string
	// Administrator may do everything in every space, and alone makes and
	// deletes spaces.
	Administrator bool
	// Space, when not empty, is the only space that exists for the principal;
	// Role is the one that the credential itself carries there. Members are not
	// asked then.
	Space string
	Role  Role
	// KeyHash is the SHA-256 of the API key or bootstrap key that was borne, empty
	// for none.
	KeyHash []byte
}

// Bootstrap is who bears the bootstrap key of the configuration, of which this is
// the SHA-256.
func Bootstrap(hash []byte) Principal {
	return Principal{ID: KeyPrefix + "bootstrap", Kind: KindKey, Administrator: true, KeyHash: hash}
}

// Anonymous is the principal of every caller in open mode. Nobody proves who he
// is, so everybody may do everything.
var Anonymous = Principal{ID: "anonymous", Kind: KindAnonymous, Administrator: true}

// System is the principal of the service itself.
var System = Principal{ID: "system", Kind: KindSystem, Administrator: true}

// Names returns the names under which the principal may be a member of a space:
// his own and those of his groups.
func (p Principal) Names() []string {
	if p.Kind != KindUser {
		return nil
	}
	names := make([]string, 0, 1+len(p.Groups))
	names = append(names, p.ID)
	for _, group := range p.Groups {
		names = append(names, GroupPrefix+group)
	}
	return names
}

// How the names of principals begin; those of links are never members.
const (
	UserPrefix  = "user:"
	GroupPrefix = "group:"
	KeyPrefix   = "key:"
	SharePrefix = "share:"
)

// decision is what is known of a call's principal.
type decision struct {
	principal Principal
	// let is set when the call was let through to its handler.
	let bool
	// granted is whom a call with a grant or a link was for.
	granted *Principal
	// resource is what a call with a link was about; else the request says it.
	resource string
}

type decisionKey struct{}

// With returns a context that carries the principal.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, decisionKey{}, &decision{principal: p})
}

// Of returns who calls, or UNAUTHENTICATED when the dispatcher was passed by.
func Of(ctx context.Context) (Principal, error) {
	d, ok := ctx.Value(decisionKey{}).(*decision)
	if !ok {
		return Principal{}, fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "no identity")
	}
	return d.principal, nil
}

// ID returns the id of who calls, with the error of Of.
func ID(ctx context.Context) (string, error) {
	p, err := Of(ctx)
	return p.ID, err
}

// ActFor tells the audit log for whom a call is that came with a grant or a link.
func ActFor(ctx context.Context, id string, kind Kind) {
	if d, ok := ctx.Value(decisionKey{}).(*decision); ok && d.let {
		d.granted = &Principal{ID: id, Kind: kind}
	}
}

// ActOn tells the audit log what a call is about that came with a link.
func ActOn(ctx context.Context, resource string) {
	if d, ok := ctx.Value(decisionKey{}).(*decision); ok && d.let {
		d.resource = resource
	}
}

// who returns whom the audit log names.
func (d *decision) who() Principal {
	if d.granted != nil {
		return *d.granted
	}
	return d.principal
}
