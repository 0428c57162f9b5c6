package telemetry

import (
	"log/slog"
	"net/http"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"google.golang.org/grpc/stats"
)

// observes reports whether calls are worth looking at.
func (t *Telemetry) observes() bool { return t.signals.traces || t.signals.metrics }

// ServerStats returns the Stats of an rpc.Config: a span and the metrics of
// each call but those for health; none when both are off.
func (t *Telemetry) ServerStats() []stats.Handler {
	if !t.observes() {
		return nil
	}
	return []stats.Handler{otelgrpc.NewServerHandler(append(t.grpcOptions(),
		otelgrpc.WithFilter(filters.Not(filters.Any(
			filters.ServicePrefix("grpc."), filters.ServicePrefix("holdfast.health."),
		))))...)}
}

// ClientStats returns the Stats of an rpc.DialConfig; none when traces and
// metrics are off.
func (t *Telemetry) ClientStats() []stats.Handler {
	if !t.observes() {
		return nil
	}
	return []stats.Handler{otelgrpc.NewClientHandler(t.grpcOptions()...)}
}

func (t *Telemetry) grpcOptions() []otelgrpc.Option {
	return []otelgrpc.Option{
		otelgrpc.WithTracerProvider(t.Tracers),
		otelgrpc.WithMeterProvider(t.Meters),
		otelgrpc.WithPropagators(t.Propagator),
	}
}

// Handler returns next with a span and the metrics of each request, named by
// its method and the pattern that matched; next itself when both are off.
func (t *Telemetry) Handler(next http.Handler, name string) http.Handler {
	if !t.observes() {
		return next
	}
	return otelhttp.NewHandler(next, name,
		otelhttp.WithTracerProvider(t.Tracers),
		otelhttp.WithMeterProvider(t.Meters),
		otelhttp.WithPropagators(t.Propagator),
	)
}

// Logger returns a logger that writes to l and exports as well; l itself when
// logs are off.
func (t *Telemetry) Logger(l *slog.Logger, name string) *slog.Logger {
	if !t.signals.logs {
		return l
	}
	bridge := otelslog.NewHandler(name, otelslog.WithLoggerProvider(t.Logs))
	return slog.New(slog.NewMultiHandler(l.Handler(), leveled{Handler: bridge, as: l.Handler()}))
}
