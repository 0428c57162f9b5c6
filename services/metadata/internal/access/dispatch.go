package access

import (
	"context"

	"google.golang.org/grpc"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// Authenticator says who bears a credential.
type Authenticator interface {
	// Authenticate returns who bears the value of an Authorization field.
	//
	// Errors: UNAUTHENTICATED when it is missing or not good, UNAVAILABLE when
	// that cannot be told just now.
	Authenticate(ctx context.Context, authorization string) (Principal, error)
}

// Proof checks that a call comes from the storage service, or returns
// UNAUTHENTICATED.
type Proof func(ctx context.Context) error

// Dispatcher lets calls through or refuses them.
type Dispatcher struct {
	// Authenticator says who calls; nil for open mode, in which everybody on
	// this machine is Anonymous.
	Authenticator Authenticator
	// Members says which roles there are.
	Members Members
	// Audit is told of every call; nil for none.
	Audit *Audit
	// Rates bounds how often one principal calls.
	Rates Rates
}

// Public returns the interceptor of the doors that callers may enter. What is
// storage's alone does not exist there.
func (d *Dispatcher) Public() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		r, ok := policy[info.FullMethod]
		if !ok || r.storage {
			return nil, noRule(info.FullMethod)
		}
		return d.dispatch(ctx, req, info.FullMethod, r, handler)
	}
}

// Ledger returns the interceptor of the door that only storage may enter.
func (d *Dispatcher) Ledger(proof Proof) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		r, ok := policy[info.FullMethod]
		if !ok || !r.storage {
			return nil, noRule(info.FullMethod)
		}
		if err := proof(ctx); err != nil {
			d.Audit.told(ctx, call{method: info.FullMethod, rule: r, decision: new(decision), req: req, err: err})
			return nil, err
		}
		return d.dispatch(ctx, req, info.FullMethod, r, handler)
	}
}

// NoStreams refuses every stream: no method of the service is one, and one that
// came without a dispatcher of its own would pass by all of this.
func NoStreams(_ any, _ grpc.ServerStream, info *grpc.StreamServerInfo, _ grpc.StreamHandler) error {
	return noRule(info.FullMethod)
}

func (d *Dispatcher) dispatch(
	ctx context.Context, req any, method string, r rule, handler grpc.UnaryHandler,
) (resp any, err error) {
	found, ended := new(decision), false
	if d.Audit != nil {
		defer func() {
			outcome := err
			if !ended {
				outcome = errPanicked
			}
			d.Audit.told(ctx, call{method, r, found, req, resp, outcome})
		}()
	}
	resp, err = d.decide(ctx, req, r, found, handler)
	ended = true
	return resp, err
}

// errPanicked is what the audit log tells of a call whose handler did not return.
var errPanicked = fault.New(errorsv1.Reason_REASON_INTERNAL, "the handler panicked")

func (d *Dispatcher) decide(
	ctx context.Context, req any, r rule, found *decision, handler grpc.UnaryHandler,
) (_ any, err error) {
	if found.principal, err = d.identify(ctx, r); err != nil {
		return nil, err
	}
	if err := d.pace(ctx, r, found.principal); err != nil {
		return nil, err
	}
	if err := r.authorize(ctx, d.Members, found.principal, req); err != nil {
		return nil, err
	}
	found.let = true
	return handler(context.WithValue(ctx, decisionKey{}, found), req)
}

// identify returns who calls.
func (d *Dispatcher) identify(ctx context.Context, r rule) (Principal, error) {
	if r.nobody {
		return System, nil
	}
	from := caller.From(ctx)
	if d.Authenticator == nil {
		return Anonymous, fromHere(from.Address)
	}
	return d.Authenticator.Authenticate(ctx, from.Authorization)
}

// fromHere refuses a viewer who is known to be on another machine: whatever
// door let him in, open mode is not for him.
func fromHere(address string) error {
	if address != "" && !caller.IsLocal(address) {
		return fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED,
			"no identity is configured, so only this machine may call")
	}
	return nil
}

func noRule(method string) error {
	return fault.New(errorsv1.Reason_REASON_METHOD_NOT_ALLOWED, "%s does not exist here", method)
}
