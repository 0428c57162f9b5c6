// Package telemetry exports traces, metrics and, if asked for, logs over OTLP,
// as the standard OTEL_ variables say. Where they name no endpoint, nothing is
// exported and nothing is spent on it.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	lognoop "go.opentelemetry.io/otel/log/noop"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// Telemetry is where a process sends what it observes. The providers are never
// nil; those of a signal that is off do nothing.
type Telemetry struct {
	Tracers    trace.TracerProvider
	Meters     metric.MeterProvider
	Logs       log.LoggerProvider
	Propagator propagation.TextMapPropagator

	signals signals
	stop    []func(context.Context) error
}

// Start begins to export what the environment, in the form of os.Getenv, asks
// for. The service and its version describe the process unless
// OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES do. The exporters connect when
// they have something to send, and tell the logger when they cannot. The
// logger that is returned writes to that one and exports as well.
func Start(ctx context.Context, logger *slog.Logger, getenv func(string) string, service, version string) (*Telemetry, *slog.Logger, error) {
	t := &Telemetry{
		Tracers:    tracenoop.NewTracerProvider(),
		Meters:     metricnoop.NewMeterProvider(),
		Logs:       lognoop.NewLoggerProvider(),
		Propagator: propagation.NewCompositeTextMapPropagator(xray{}, propagation.TraceContext{}),
		signals:    signalsOf(getenv),
	}
	if t.signals == (signals{}) {
		return t, logger, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.WarnContext(ctx, "telemetry cannot be exported", slog.Any("error", err))
	}))
	describe, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", service), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("telemetry: %w", err)
	}
	if err := t.export(ctx, describe); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("telemetry: %w", err), t.Stop(ctx))
	}
	return t, t.exported(logger, service), nil
}

// Stop sends what is left and ends the export.
func (t *Telemetry) Stop(ctx context.Context) error {
	var errs []error
	for _, stop := range t.stop {
		errs = append(errs, stop(ctx))
	}
	t.stop = nil
	return errors.Join(errs...)
}

// Component returns the part of a process that stops t at the end. It stands
// first in the list, so that it ends last.
func (t *Telemetry) Component() lifecycle.Component {
	return lifecycle.Component{Name: "telemetry", Drain: t.Stop}
}
