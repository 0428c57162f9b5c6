package telemetry

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
)

// Outward returns what observes the requests that an adapter sends to its
// backend, such as S3 or DynamoDB: a span of each, a repeated one included. It
// is nil when traces are off. The backend gets no header of the trace, since it
// could do nothing with one.
//
// The names of what is asked for are in the URLs of the spans, so it is only
// for backends that know no names of files.
func (t *Telemetry) Outward() func(http.RoundTripper) http.RoundTripper {
	if !t.signals.traces {
		return nil
	}
	return func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next,
			otelhttp.WithTracerProvider(t.Tracers),
			otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()),
			otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
			otelhttp.WithSpanNameFormatter(outwardName),
		)
	}
}

// outwardName names a span by the operation, where a header tells it as that of
// DynamoDB does (DynamoDB_20120810.GetItem), else by the method.
func outwardName(_ string, r *http.Request) string {
	service, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !ok {
		return "S3 " + r.Method
	}
	service, _, _ = strings.Cut(service, "_")
	return service + " " + operation
}
