package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// export makes the providers of the signals that are on. The exporters read
// their endpoints, headers and timeouts from the environment themselves.
func (t *Telemetry) export(ctx context.Context, describe *resource.Resource) error {
	if t.signals.traces {
		exporter, err := otlptracegrpc.New(ctx)
		if err != nil {
			return err
		}
		p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(discreet{exporter}), sdktrace.WithResource(describe))
		t.Tracers = p
		t.stop = append(t.stop, p.Shutdown)
	}
	if t.signals.metrics {
		exporter, err := otlpmetricgrpc.New(ctx)
		if err != nil {
			return err
		}
		p := sdkmetric.NewMeterProvider(
			sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)), sdkmetric.WithResource(describe))
		t.Meters = p
		t.stop = append(t.stop, p.Shutdown)
	}
	if t.signals.logs {
		exporter, err := otlploggrpc.New(ctx)
		if err != nil {
			return err
		}
		p := sdklog.NewLoggerProvider(
			sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)), sdklog.WithResource(describe))
		t.Logs = p
		t.stop = append(t.stop, p.Shutdown)
	}
	return nil
}
