package server

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// scope names what is observed here.
const scope = "github.com/holdfast-files/holdfast/services/metadata"

// Observe makes metrics of what the service counts anyway.
func (s *Server) Observe(meters metric.MeterProvider) error {
	meter := meters.Meter(scope)
	_, quotaErr := meter.Int64ObservableCounter("holdfast.quota.refusals",
		metric.WithUnit("{call}"), metric.WithDescription("Calls that were refused because a quota was used up."),
		metric.WithInt64Callback(observing(s.quotaRefusals.Load)))
	_, auditErr := meter.Int64ObservableCounter("holdfast.audit.lost",
		metric.WithUnit("{line}"), metric.WithDescription("Lines of the audit log that could not be written."),
		metric.WithInt64Callback(observing(s.auditLost)))
	return errors.Join(quotaErr, auditErr)
}

func observing(value func() int64) metric.Int64Callback {
	return func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(value())
		return nil
	}
}

func (s *Server) auditLost() int64 {
	if s.audit == nil {
		return 0
	}
	return s.audit.Lost()
}

// countRefusals is inner, and counts the calls that a quota stands against,
// whoever found that it does.
func (s *Server) countRefusals(inner grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		resp, err := inner(ctx, req, info, handler)
		if err != nil && fault.ReasonOf(err) == errorsv1.Reason_REASON_QUOTA_EXCEEDED {
			s.quotaRefusals.Add(1)
		}
		return resp, err
	}
}
