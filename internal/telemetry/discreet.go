package telemetry

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// discreet exports spans without the texts of their errors. Such a text is
// made for the caller and may repeat what he sent, such as the name of a file;
// what went wrong is in the attributes, and in the log by its cause.
type discreet struct{ sdktrace.SpanExporter }

// ExportSpans implements sdktrace.SpanExporter.
func (d discreet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	plain := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		plain[i] = undescribed{s}
	}
	return d.SpanExporter.ExportSpans(ctx, plain)
}

// undescribed is a span without texts of errors.
type undescribed struct{ sdktrace.ReadOnlySpan }

// Status returns the code alone.
func (s undescribed) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}

// Events returns none: all that is recorded as an event are errors.
func (s undescribed) Events() []sdktrace.Event { return nil }
