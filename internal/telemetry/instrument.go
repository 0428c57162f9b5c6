package telemetry

import (
	"log/slog"

	"github.com/holdfast-files/holdfast/internal/logging"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
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

// exported returns a logger that writes to l and exports as well, with the ids
// of the call; l itself when logs are off.
func (t *Telemetry) exported(l *slog.Logger, name string) *slog.Logger {
	if !t.signals.logs {
		return l
	}
	bridge := otelslog.NewHandler(name, otelslog.WithLoggerProvider(t.Logs))
	return slog.New(slog.NewMultiHandler(l.Handler(), leveled{Handler: logging.WithCall(bridge), as: l.Handler()}))
}
