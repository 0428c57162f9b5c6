// Package caller carries who calls through one process: the credential, the
// request id and the address, from the door where a call comes in to every
// call that it causes. Nothing here is proof of anything; only metadata
// verifies the credential.
package caller

import (
	"context"
	"net/netip"
)

// Caller is who calls. The zero value is a caller of whom nothing is known.
type Caller struct {
	// Authorization is the credential as it came, such as "Bearer …"; empty
	// when there was none. It must never be logged.
	Authorization string
	// RequestID names the call in logs and in the errors that callers see.
	RequestID string
	// Address is the address of the viewer at the outermost door, without a
	// port; empty when it is not known.
	Address string
}

type key struct{}

// With returns a context that carries c in place of the caller of ctx.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, key{}, c)
}

// From returns the caller that ctx carries, or the zero Caller.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(key{}).(Caller)
	return c
}

// IsLocal reports whether an address is one of this machine's loopback
// interface. Doors believe that of nobody but who is there himself.
func IsLocal(address string) bool {
	addr, err := netip.ParseAddr(address)
	return err == nil && addr.Unmap().IsLoopback()
}
