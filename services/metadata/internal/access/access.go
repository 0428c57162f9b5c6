// Package access says who calls. The dispatcher that every transport goes
// through puts the principal into the context; the namespace reads it there.
package access

import (
	"context"

	"google.golang.org/grpc"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// Anonymous is the principal of every caller in open mode, in which no identity
// is configured and only loopback is served.
const Anonymous = "anonymous"

type principalKey struct{}

// With returns a context that carries the principal.
func With(ctx context.Context, principal string) context.Context {
	return context.WithValue(ctx, principalKey{}, principal)
}

// Principal returns who calls, or UNAUTHENTICATED when the dispatcher was
// passed by.
func Principal(ctx context.Context) (string, error) {
	principal, ok := ctx.Value(principalKey{}).(string)
	if !ok {
		return "", fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "no identity")
	}
	return principal, nil
}

// Open returns the interceptor of open mode: everybody is Anonymous.
func Open() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return handler(With(ctx, Anonymous), req)
	}
}
