package telemetry_test

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/logging"
	"github.com/holdfast-files/holdfast/internal/rpc"
	"github.com/holdfast-files/holdfast/internal/telemetry"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	healthv1 "github.com/holdfast-files/holdfast/proto/holdfast/health/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc/stats"
)

func start(t *testing.T, logger *slog.Logger) (*telemetry.Telemetry, *slog.Logger) {
	t.Helper()
	tel, logger, err := telemetry.Start(t.Context(), logger, os.Getenv, "metadata", "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return tel, logger
}

// edge is a gateway: a request that becomes a call of a service.
//
// done waits until nothing is left to be recorded.
func edge(t *testing.T, tel *telemetry.Telemetry, logger *slog.Logger) (h http.Handler, done func()) {
	t.Helper()
	listeners, err := rpc.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := rpc.New(rpc.Config{Logger: logger, Stats: tel.ServerStats()})
	served := make(chan error, 1)
	go func() { served <- s.Serve(listeners[0]) }()
	conn, err := rpc.Dial(listeners[0].Addr().String(), rpc.DialConfig{Stats: tel.ClientStats()})
	if err != nil {
		t.Fatal(err)
	}
	done = func() {
		_ = conn.Close()
		_ = s.Drain(t.Context())
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	observer := tel.Edge()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, seen := observer.Begin(r, "call-7")
		defer seen.End(r.Method, "/v1/spaces/*/files", http.StatusNoContent, false)
		logger.InfoContext(ctx, "serving")
		// A call that nobody implements, and a probe.
		err := conn.Invoke(ctx, storagev1.ContentService_Upload_FullMethodName, &storagev1.UploadRequest{}, &storagev1.UploadResponse{})
		if fault.ReasonOf(err) != errorsv1.Reason_REASON_METHOD_NOT_ALLOWED {
			t.Errorf("got %v", err)
		}
		if _, err := healthv1.NewReadinessServiceClient(conn).Check(ctx, &healthv1.CheckRequest{}); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusNoContent)
	}), done
}

const (
	traceID  = "5759e988bd862e3fe1be46a994272793"
	parentID = "53995c3f42cd8ad8"
)

func get(t *testing.T, h http.Handler, header, value string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/files", nil)
	req.Header.Set(header, value)
	h.ServeHTTP(httptest.NewRecorder(), req)
}

func TestExport(t *testing.T) {
	for name, header := range map[string][2]string{
		"W3C":   {"traceparent", "00-" + traceID + "-" + parentID + "-01"},
		"X-Ray": {"X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=" + parentID + ";Sampled=1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := collect(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.address)
			t.Setenv("OTEL_LOGS_EXPORTER", "otlp")
			var out bytes.Buffer
			tel, logger := start(t, logging.New(&out, slog.LevelInfo))
			h, done := edge(t, tel, logger)
			get(t, h, header[0], header[1])
			done() // a call is recorded after its answer
			if err := tel.Component().Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.service) != 1 || !c.service["metadata"] {
				t.Errorf("services are %v", c.service)
			}
			var kinds []string
			for _, s := range c.spans {
				if got := hex.EncodeToString(s.GetTraceId()); got != traceID {
					t.Errorf("span %s is of trace %s", s.GetName(), got)
				}
				if strings.Contains(s.GetName(), "Readiness") && s.GetKind().String() == "SPAN_KIND_SERVER" {
					t.Errorf("a probe has a span of the server")
				}
				kinds = append(kinds, s.GetKind().String())
			}
			if !slices.Contains(kinds, "SPAN_KIND_SERVER") || !slices.Contains(kinds, "SPAN_KIND_CLIENT") {
				t.Errorf("spans are %v", c.spans)
			}
			for _, want := range []string{"http.server.request.duration", "rpc.server.call.duration", "rpc.client.call.duration"} {
				if !c.metrics[want] {
					t.Errorf("%s is not among the metrics %v", want, c.metrics)
				}
			}
			if !slices.Contains(c.messages, "serving") {
				t.Errorf("logs are %v", c.messages)
			}
			if !strings.Contains(out.String(), `"trace_id":"`+traceID+`"`) {
				t.Errorf("the log does not name the trace: %s", out.String())
			}
		})
	}
}

// Off means that nothing stands in the way of a call.
func TestOffIsFree(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	tel, same, err := telemetry.Start(t.Context(), logger, func(string) string { return "" }, "metadata", "")
	if err != nil {
		t.Fatal(err)
	}
	if s := append(append([]stats.Handler{}, tel.ServerStats()...), tel.ClientStats()...); len(s) != 0 {
		t.Errorf("%d handlers of stats", len(s))
	}
	if tel.Edge() != nil || tel.LocalUnary() != nil {
		t.Error("requests are observed")
	}
	if same != logger {
		t.Error("the logger is wrapped")
	}
	edge, req := tel.Edge(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/files", nil)
	if n := testing.AllocsPerRun(100, func() {
		_, seen := edge.Begin(req, "call-7")
		seen.End(req.Method, "/v1/spaces/*/files", http.StatusOK, false)
	}); n != 0 {
		t.Errorf("a request that nobody observes allocates %v times", n)
	}
	_, span := tel.Tracers.Tracer("x").Start(t.Context(), "x")
	if span.IsRecording() {
		t.Error("spans are recorded")
	}
	if err := tel.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
