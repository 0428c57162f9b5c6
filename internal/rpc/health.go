package rpc

import (
	"context"
	"sync/atomic"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/lifecycle"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	healthv1 "github.com/holdfast-files/holdfast/proto/holdfast/health/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	grpchealth "google.golang.org/grpc/health/grpc_health_v1"
)

// healthServer answers grpc.health.v1 for the server as a whole (the service
// name "") and holdfast.health.v1.
type healthServer struct {
	healthv1.UnimplementedReadinessServiceServer

	standard  *health.Server
	readiness *lifecycle.Readiness
	draining  atomic.Bool
}

func registerHealth(to grpc.ServiceRegistrar, readiness *lifecycle.Readiness) *healthServer {
	h := &healthServer{standard: health.NewServer(), readiness: readiness}
	readiness.Watch(func(ready bool) {
		status := grpchealth.HealthCheckResponse_NOT_SERVING
		if ready {
			status = grpchealth.HealthCheckResponse_SERVING
		}
		h.standard.SetServingStatus("", status)
	})
	grpchealth.RegisterHealthServer(to, h.standard)
	healthv1.RegisterReadinessServiceServer(to, h)
	return h
}

// Check answers OK or UNAVAILABLE.
func (h *healthServer) Check(context.Context, *healthv1.CheckRequest) (*healthv1.CheckResponse, error) {
	if h.draining.Load() || !h.readiness.Ready() {
		return nil, fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "not ready")
	}
	return &healthv1.CheckResponse{}, nil
}

// drain makes both services say no, whatever the readiness says from now on.
func (h *healthServer) drain() {
	h.draining.Store(true)
	h.standard.Shutdown()
}
