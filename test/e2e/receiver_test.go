package e2e_test

import (
	"context"
	"encoding/hex"
	"net"
	"strings"
	"sync"
	"testing"

	logsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	otlpmetrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// receiver is a collector: it takes what programs export over OTLP.
type receiver struct {
	url string

	mu      sync.Mutex
	spans   []span
	metrics map[string]point // the last of each by service, name and attributes
	records []record
	raw     strings.Builder // all of it, as text
}

type span struct {
	service, name, kind, id, parent, trace string
}

type point struct{ count, sum int64 }

type record struct {
	service, body, trace string
	attributes           map[string]string
}

func receive(t *testing.T) *receiver {
	t.Helper()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{url: "http://" + lis.Addr().String(), metrics: map[string]point{}}
	s := grpc.NewServer()
	tracev1.RegisterTraceServiceServer(s, spansOf{r: r})
	metricsv1.RegisterMetricsServiceServer(s, metricsOf{r: r})
	logsv1.RegisterLogsServiceServer(s, logsOf{r: r})
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r
}

// take locks the receiver and keeps the text of what came.
func (r *receiver) take(m proto.Message) {
	r.mu.Lock()
	r.raw.WriteString(prototext.Format(m))
}

type spansOf struct {
	tracev1.UnimplementedTraceServiceServer
	r *receiver
}

func (s spansOf) Export(_ context.Context, req *tracev1.ExportTraceServiceRequest) (*tracev1.ExportTraceServiceResponse, error) {
	s.r.take(req)
	defer s.r.mu.Unlock()
	for _, rs := range req.GetResourceSpans() {
		service := values(rs.GetResource().GetAttributes())["service.name"]
		for _, scope := range rs.GetScopeSpans() {
			for _, x := range scope.GetSpans() {
				s.r.spans = append(s.r.spans, span{
					service: service, name: x.GetName(), kind: strings.ToLower(strings.TrimPrefix(x.GetKind().String(), "SPAN_KIND_")),
					id: hex.EncodeToString(x.GetSpanId()), parent: hex.EncodeToString(x.GetParentSpanId()), trace: hex.EncodeToString(x.GetTraceId()),
				})
			}
		}
	}
	return new(tracev1.ExportTraceServiceResponse), nil
}

type metricsOf struct {
	metricsv1.UnimplementedMetricsServiceServer
	r *receiver
}

func (s metricsOf) Export(_ context.Context, req *metricsv1.ExportMetricsServiceRequest) (*metricsv1.ExportMetricsServiceResponse, error) {
	s.r.take(req)
	defer s.r.mu.Unlock()
	for _, rm := range req.GetResourceMetrics() {
		service := values(rm.GetResource().GetAttributes())["service.name"]
		for _, scope := range rm.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				s.r.keep(service, m)
			}
		}
	}
	return new(metricsv1.ExportMetricsServiceResponse), nil
}

// keep keeps the points of a metric, which are totals since the start.
func (r *receiver) keep(service string, m *otlpmetrics.Metric) {
	numbers := append(m.GetSum().GetDataPoints(), m.GetGauge().GetDataPoints()...)
	for _, p := range numbers {
		r.metrics[series(service, m.GetName(), p.GetAttributes())] = point{count: 1, sum: p.GetAsInt()}
	}
	for _, p := range m.GetHistogram().GetDataPoints() {
		r.metrics[series(service, m.GetName(), p.GetAttributes())] = point{count: int64(p.GetCount())}
	}
}

// series names a metric of a service with the attributes that tests look at.
func series(service, name string, attributes []*commonv1.KeyValue) string {
	parts := []string{service, name}
	have := values(attributes)
	for _, key := range []string{"http.request.method", "http.route", "http.response.status_code", "rpc.method", "rpc.response.status_code", "direction"} {
		if v, ok := have[key]; ok {
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, " ")
}

type logsOf struct {
	logsv1.UnimplementedLogsServiceServer
	r *receiver
}

func (s logsOf) Export(_ context.Context, req *logsv1.ExportLogsServiceRequest) (*logsv1.ExportLogsServiceResponse, error) {
	s.r.take(req)
	defer s.r.mu.Unlock()
	for _, rl := range req.GetResourceLogs() {
		service := values(rl.GetResource().GetAttributes())["service.name"]
		for _, scope := range rl.GetScopeLogs() {
			for _, x := range scope.GetLogRecords() {
				s.r.records = append(s.r.records, record{
					service: service, body: x.GetBody().GetStringValue(), trace: hex.EncodeToString(x.GetTraceId()), attributes: values(x.GetAttributes()),
				})
			}
		}
	}
	return new(logsv1.ExportLogsServiceResponse), nil
}

func values(attributes []*commonv1.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range attributes {
		switch v := a.GetValue().GetValue().(type) {
		case *commonv1.AnyValue_StringValue:
			all[a.GetKey()] = v.StringValue
		default:
			all[a.GetKey()] = strings.TrimPrefix(prototext.MarshalOptions{}.Format(a.GetValue()), "int_value:")
		}
	}
	return all
}
