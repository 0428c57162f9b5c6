package rpc

import (
	"context"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/lifecycle"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	healthv1 "github.com/holdfast-files/holdfast/proto/holdfast/health/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	grpchealth "google.golang.org/grpc/health/grpc_health_v1"
)

// healthServer answers grpc.health.v1, for the server as a whole (the service
// name ""), and holdfast.health.v1.
type healthServer struct {
	*health.Server

	readiness *lifecycle.Readiness
	draining  context.Context // ends with the beginning of the drain
	drain     context.CancelFunc
}

func registerHealth(to grpc.ServiceRegistrar, readiness *lifecycle.Readiness) *healthServer {
	h := &healthServer{Server: health.NewServer(), readiness: readiness}
	ctx, cancel := context.WithCancel(context.Background())
	h.draining = ctx
	h.drain = func() {
		h.Shutdown()
		cancel()
	}
	readiness.Watch(func(ready bool) {
		status := grpchealth.HealthCheckResponse_NOT_SERVING
		if ready {
			status = grpchealth.HealthCheckResponse_SERVING
		}
		h.SetServingStatus("", status)
	})
	grpchealth.RegisterHealthServer(to, h)
	healthv1.RegisterReadinessServiceServer(to, readinessServer{health: h})
	return h
}

// Watch streams the status until the drain, which it would hold up for as long
// as somebody watches.
func (h *healthServer) Watch(req *grpchealth.HealthCheckRequest, stream grpchealth.Health_WatchServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(h.draining, cancel)()
	return h.Server.Watch(req, &watchStream{Health_WatchServer: stream, ctx: ctx})
}

type watchStream struct {
	grpchealth.Health_WatchServer
	ctx context.Context
}

func (s *watchStream) Context() context.Context { return s.ctx }

type readinessServer struct {
	healthv1.UnimplementedReadinessServiceServer
	health *healthServer
}

// Check answers OK or UNAVAILABLE.
func (s readinessServer) Check(context.Context, *healthv1.CheckRequest) (*healthv1.CheckResponse, error) {
	if s.health.draining.Err() != nil || !s.health.readiness.Ready() {
		return nil, fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "not ready")
	}
	return &healthv1.CheckResponse{}, nil
}

// isProbe reports whether a method is one of those that tell about the server
// itself: they are for everybody, and of interest to nobody's log.
func isProbe(method string) bool {
	return strings.HasPrefix(method, "/grpc.health.v1.") ||
		strings.HasPrefix(method, "/holdfast.health.v1.") ||
		strings.HasPrefix(method, "/grpc.reflection.v1.")
}
