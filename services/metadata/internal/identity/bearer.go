// Package identity finds out who bears a credential: an API key of ours, the
// bootstrap key of the configuration, or a token of the OIDC issuer. What a
// principal may do is not its business.
package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/apikey"
)

// maxCredentialBytes bounds a credential; a token that is longer names hundreds
// of groups.
const maxCredentialBytes = 16 << 10

// APIKeys knows the API keys.
type APIKeys interface {
	// KeyBearer returns who bears the key whose secret has a hash, or
	// UNAUTHENTICATED.
	KeyBearer(ctx context.Context, hash []byte) (access.Principal, error)
}

// Bearer authenticates "Bearer …", RFC 6750, section 2.1. It is safe for
// concurrent use.
type Bearer struct {
	keys      APIKeys
	tokens    *Tokens
	bootstrap access.Principal // with the hash of its key; the zero value for none
}

var _ access.Authenticator = (*Bearer)(nil)

// NewBearer returns a Bearer. Without tokens no token is taken, and without the
// hash of a bootstrap key nobody bears one.
func NewBearer(keys APIKeys, tokens *Tokens, bootstrapHash []byte) *Bearer {
	b := &Bearer{keys: keys, tokens: tokens}
	if len(bootstrapHash) > 0 {
		b.bootstrap = access.Bootstrap(bootstrapHash)
	}
	return b
}

// Authenticate implements access.Authenticator.
func (b *Bearer) Authenticate(ctx context.Context, authorization string) (access.Principal, error) {
	if authorization == "" {
		return access.Principal{}, fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "a credential is needed: Authorization: Bearer …")
	}
	scheme, credential, _ := strings.Cut(authorization, " ")
	credential = strings.TrimLeft(credential, " ")
	if !strings.EqualFold(scheme, "Bearer") || credential == "" {
		return access.Principal{}, fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "the Authorization is not of the form Bearer …")
	}
	if len(credential) > maxCredentialBytes {
		return access.Principal{}, fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "the credential is too long")
	}
	// Most credentials fit, and are not copied to the heap to be hashed.
	var short [1 << 10]byte
	sum := sha256.Sum256(append(short[:0], credential...))
	if subtle.ConstantTimeCompare(sum[:], b.bootstrap.KeyHash) == 1 {
		return b.bootstrap, nil
	}
	if strings.HasPrefix(credential, apikey.Prefix) {
		if !apikey.Valid(credential) {
			return access.Principal{}, fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "the key is unknown, revoked or expired")
		}
		return b.keys.KeyBearer(ctx, sum[:])
	}
	if b.tokens == nil {
		return access.Principal{}, fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "only API keys are taken here")
	}
	return b.tokens.verify(ctx, credential, sum)
}
