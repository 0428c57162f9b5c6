package telemetry

import (
	"context"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
)

// LocalUnary returns the interceptors by which calls within a process are
// observed as those of a server are; none when traces and metrics are off.
func (t *Telemetry) LocalUnary() []grpc.UnaryServerInterceptor {
	if !t.observes() {
		return nil
	}
	duration, err := t.Meters.Meter(scope).Float64Histogram("rpc.server.call.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of calls within the process."), durationBuckets)
	if err != nil {
		otel.Handle(err)
	}
	tracer := t.Tracers.Tracer(scope)
	return []grpc.UnaryServerInterceptor{func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		begin, name := time.Now(), strings.TrimPrefix(info.FullMethod, "/")
		ctx, span := tracer.Start(ctx, name)
		defer span.End()
		resp, err := handler(ctx, req)
		status := code.Code_OK
		if err != nil {
			status = code.Code(fault.Code(fault.ReasonOf(err)))
			span.SetStatus(codes.Error, "")
		}
		attrs := []attribute.KeyValue{semconv.RPCSystemNameGRPC, semconv.RPCMethod(name), semconv.RPCResponseStatusCode(status.String())}
		span.SetAttributes(attrs...)
		duration.Record(ctx, time.Since(begin).Seconds(), metric.WithAttributes(attrs...))
		return resp, err
	}}
}
