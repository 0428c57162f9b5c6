package telemetry_test

import (
	"context"
	"net"
	"sync"
	"testing"

	logsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	otlpresourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	otlptracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// collector receives what is exported.
type collector struct {
	address string

	mu       sync.Mutex
	service  map[string]bool // names of the services that sent anything
	spans    []*otlptracev1.Span
	metrics  map[string]bool // names
	messages []string
}

func collect(t *testing.T) *collector {
	t.Helper()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{address: "http://" + lis.Addr().String(), service: map[string]bool{}, metrics: map[string]bool{}}
	s := grpc.NewServer()
	tracev1.RegisterTraceServiceServer(s, traces{c: c})
	metricsv1.RegisterMetricsServiceServer(s, metrics{c: c})
	logsv1.RegisterLogsServiceServer(s, logs{c: c})
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return c
}

func (c *collector) from(r *otlpresourcev1.Resource) {
	for _, a := range r.GetAttributes() {
		if a.GetKey() == "service.name" {
			c.service[a.GetValue().GetStringValue()] = true
		}
	}
}

type traces struct {
	tracev1.UnimplementedTraceServiceServer
	c *collector
}

func (s traces) Export(_ context.Context, req *tracev1.ExportTraceServiceRequest) (*tracev1.ExportTraceServiceResponse, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	for _, r := range req.GetResourceSpans() {
		s.c.from(r.GetResource())
		for _, scope := range r.GetScopeSpans() {
			s.c.spans = append(s.c.spans, scope.GetSpans()...)
		}
	}
	return &tracev1.ExportTraceServiceResponse{}, nil
}

type metrics struct {
	metricsv1.UnimplementedMetricsServiceServer
	c *collector
}

func (s metrics) Export(_ context.Context, req *metricsv1.ExportMetricsServiceRequest) (*metricsv1.ExportMetricsServiceResponse, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	for _, r := range req.GetResourceMetrics() {
		s.c.from(r.GetResource())
		for _, scope := range r.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				s.c.metrics[m.GetName()] = true
			}
		}
	}
	return &metricsv1.ExportMetricsServiceResponse{}, nil
}

type logs struct {
	logsv1.UnimplementedLogsServiceServer
	c *collector
}

func (s logs) Export(_ context.Context, req *logsv1.ExportLogsServiceRequest) (*logsv1.ExportLogsServiceResponse, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	for _, r := range req.GetResourceLogs() {
		s.c.from(r.GetResource())
		for _, scope := range r.GetScopeLogs() {
			for _, record := range scope.GetLogRecords() {
				s.c.messages = append(s.c.messages, text(record.GetBody()))
			}
		}
	}
	return &logsv1.ExportLogsServiceResponse{}, nil
}

func text(v *commonv1.AnyValue) string { return v.GetStringValue() }
