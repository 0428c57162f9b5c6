package rpc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"

	"github.com/holdfast-files/holdfast/internal/fault"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// headerServiceToken is the metadata by which one service of ours proves itself
// to another. A caller's own credential is in another one.
const headerServiceToken = "x-service-token"

// serviceToken is the credential of a service on each of its calls.
type serviceToken string

var _ credentials.PerRPCCredentials = serviceToken("")

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (t serviceToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{headerServiceToken: string(t)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials. Whether a
// network may be trusted with plain text is decided where TLS is configured.
func (serviceToken) RequireTransportSecurity() bool { return false }

// CheckServiceToken checks that a call comes from a service that has one of the
// tokens: UNAUTHENTICATED when not, and when there is none.
func CheckServiceToken(ctx context.Context, tokens ...string) error {
	md, _ := metadata.FromIncomingContext(ctx)
	got := sha256.Sum256([]byte(first(md, headerServiceToken)))
	same := 0
	for _, token := range tokens {
		want := sha256.Sum256([]byte(token))
		if token != "" {
			same |= subtle.ConstantTimeCompare(want[:], got[:])
		}
	}
	if same != 1 {
		return notOurs()
	}
	return nil
}

// CheckServiceName checks that a call comes over a connection whose peer has
// shown a certificate for a name, which was verified: UNAUTHENTICATED when not.
func CheckServiceName(ctx context.Context, name string) error {
	p, ok := peer.FromContext(ctx)
	if !ok || !certified(p) {
		return notOurs()
	}
	info, _ := p.AuthInfo.(credentials.TLSInfo)
	if err := info.State.VerifiedChains[0][0].VerifyHostname(name); err != nil {
		return fault.Wrap(err, errorsv1.Reason_REASON_UNAUTHENTICATED, "this door is for another service")
	}
	return nil
}

func notOurs() error {
	return fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "this door is for another service")
}
