package rpc

import (
	"context"
	"fmt"
	"reflect"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Local carries unary calls between services of one process: a registrar for
// the one side and a connection for the other. A call passes the same chain as
// one through a Server. It is not serialised, and has no deadline but its
// caller's. The handler gets the very request of the caller, and the caller a
// shallow copy of the handler's response, so neither may change, while the
// other has it, what it gave or was given.
//
// Register everything before the first call. Calls may be concurrent.
type Local struct {
	chain   *chain
	methods map[string]localMethod
}

var (
	_ grpc.ServiceRegistrar    = (*Local)(nil)
	_ grpc.ClientConnInterface = (*Local)(nil)
)

type localMethod struct {
	impl    any
	handler grpc.MethodHandler
}

// NewLocal returns a Local. Of the Config it uses Logger, Name and Unary.
func NewLocal(cfg Config) *Local {
	return &Local{chain: newChain(cfg), methods: map[string]localMethod{}}
}

// RegisterService registers the unary methods of a service. It panics when
// impl does not implement the service, as grpc.Server does.
func (l *Local) RegisterService(desc *grpc.ServiceDesc, impl any) {
	if want := reflect.TypeOf(desc.HandlerType).Elem(); !reflect.TypeOf(impl).Implements(want) {
		panic(fmt.Sprintf("rpc: %T does not implement %v", impl, want))
	}
	for _, m := range desc.Methods {
		l.methods["/"+desc.ServiceName+"/"+m.MethodName] = localMethod{impl: impl, handler: m.Handler}
	}
}

// Invoke makes a unary call. Its errors are those that a connection of Dial
// would have returned, of which none is of the transport. Call options are
// ignored.
func (l *Local) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	m, ok := l.methods[method]
	if !ok {
		return errUnknownMethod
	}
	err := l.chain.call(localContext(ctx), method, func(ctx context.Context) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		// The generated handler makes a request and has it filled by the
		// decoder, which leaves it; the interceptor puts args in its place.
		resp, err := m.handler(m.impl, ctx, decodeNothing,
			func(ctx context.Context, _ any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
				return l.chain.unary(ctx, args, info, next)
			})
		if err != nil {
			return err
		}
		return share(reply, resp)
	})
	if err != nil {
		return err
	}
	return nil
}

// NewStream fails: within a process bytes do not go through messages.
func (l *Local) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, fault.New(errorsv1.Reason_REASON_METHOD_NOT_ALLOWED, "no streams within a process")
}

func decodeNothing(any) error { return nil }

// localContext returns ctx as the handler is to see it: with a caller, and
// with the metadata that the caller sent as those that came in.
func localContext(ctx context.Context) context.Context {
	sent, sends := metadata.FromOutgoingContext(ctx)
	if _, got := metadata.FromIncomingContext(ctx); sends || got {
		ctx = metadata.NewOutgoingContext(metadata.NewIncomingContext(ctx, sent), nil)
	}
	known := caller.From(ctx)
	c := known
	if c == (caller.Caller{}) {
		c = caller.Caller{
			Authorization: first(sent, headerAuthorization),
			RequestID:     first(sent, headerRequestID),
			Address:       first(sent, headerViewerAddress),
		}
	}
	if c.RequestID = requestID(c.RequestID); c != known {
		ctx = caller.With(ctx, c)
	}
	return ctx
}

// share makes reply a shallow copy of resp, field by field as they are in
// memory, the only thing that is the same for every message.
func share(reply, resp any) error {
	to, from := reflect.ValueOf(reply), reflect.ValueOf(resp)
	switch {
	case to.Type() != from.Type():
		return fmt.Errorf("rpc: response is a %T, want a %T", resp, reply)
	case from.IsNil(): // the empty message, as on the wire
		to.Elem().SetZero()
	default:
		to.Elem().Set(from.Elem())
	}
	return nil
}
