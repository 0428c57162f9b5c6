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
// one through a Server, is not serialised and has no deadline but its
// caller's. The handler gets the request of the caller itself and the caller
// gets the parts of the handler's response, so neither side may keep or change
// what it was given; a response must be made for its call.
//
// Register everything before the first call. Calls may then be concurrent.
type Local struct {
	chain       *chain
	interceptor grpc.UnaryServerInterceptor
	methods     map[string]localMethod
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
	l := &Local{chain: newChain(cfg), methods: map[string]localMethod{}}
	l.interceptor = chainUnary(cfg.Unary)
	return l
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

// Invoke makes a unary call. Its errors are those that FromStatus makes of the
// status that a Server would have sent. Call options are ignored.
func (l *Local) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	m, ok := l.methods[method]
	if !ok {
		return fault.New(errorsv1.Reason_REASON_METHOD_NOT_ALLOWED, "no such method")
	}
	resp, err := l.chain.call(localContext(ctx), args, method, func(ctx context.Context, req any) (any, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return m.handler(m.impl, ctx, decodeNothing, func(ctx context.Context, _ any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			info.FullMethod = method
			return l.interceptor(ctx, req, info, next)
		})
	})
	if err != nil {
		return err
	}
	share(reply, resp)
	return nil
}

// NewStream fails: bytes do not go through messages within one process.
func (l *Local) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, fault.New(errorsv1.Reason_REASON_METHOD_NOT_ALLOWED, "no streams within a process")
}

// decodeNothing leaves the request empty that a generated handler makes; the
// interceptor puts the caller's own in its place.
func decodeNothing(any) error { return nil }

// localContext returns ctx as the handler is to see it: with a caller, and
// with the metadata that its caller sent as those that came in.
func localContext(ctx context.Context) context.Context {
	md, ok := metadata.FromOutgoingContext(ctx)
	if ok {
		ctx = metadata.NewOutgoingContext(metadata.NewIncomingContext(ctx, md), nil)
	}
	c := caller.From(ctx)
	known := c
	if c.Authorization == "" {
		c.Authorization = first(md, headerAuthorization)
	}
	if c.RequestID == "" {
		c.RequestID = requestID(first(md, headerRequestID))
	}
	if c != known {
		ctx = caller.With(ctx, c)
	}
	return ctx
}

// share makes reply a message with the fields of resp.
func share(reply, resp any) {
	reflect.ValueOf(reply).Elem().Set(reflect.ValueOf(resp).Elem())
}

// chainUnary joins interceptors, the first one outermost.
func chainUnary(interceptors []grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	joined := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return handler(ctx, req)
	}
	for _, outer := range reversed(interceptors) {
		inner := joined
		joined = func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			return outer(ctx, req, info, func(ctx context.Context, req any) (any, error) {
				return inner(ctx, req, info, handler)
			})
		}
	}
	return joined
}

func reversed(in []grpc.UnaryServerInterceptor) []grpc.UnaryServerInterceptor {
	out := make([]grpc.UnaryServerInterceptor, 0, len(in))
	for i := len(in) - 1; i >= 0; i-- {
		out = append(out, in[i])
	}
	return out
}
