package telemetry

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope names what is observed by the code of this package itself.
const scope = "github.com/holdfast-files/holdfast/internal/telemetry"

// Edge observes HTTP requests: a span and a duration of each, which continue
// the trace of the client. It tells of the route, never of the path or the
// query, in which there are names of files and tokens. A nil Edge observes
// nothing.
type Edge struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	duration   metric.Float64Histogram
}

// Edge returns what observes requests; nil when traces and metrics are off.
func (t *Telemetry) Edge() *Edge {
	if !t.observes() {
		return nil
	}
	duration, err := t.Meters.Meter(scope).Float64Histogram("http.server.request.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of HTTP requests."), durationBuckets)
	if err != nil {
		otel.Handle(err)
	}
	return &Edge{tracer: t.Tracers.Tracer(scope), propagator: t.Propagator, duration: duration}
}

// The boundaries that the semantic conventions advise, in seconds.
var durationBuckets = metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

// Request is a request that is being answered. The zero value is one that is
// not observed.
type Request struct {
	edge  *Edge
	ctx   context.Context //nolint:containedctx // of the span, until End
	begin time.Time
	span  trace.Span
	attrs []attribute.KeyValue
}

// Begin returns the context of r with its span. Requests that ask for the
// health of the process are not observed.
func (e *Edge) Begin(r *http.Request, requestID string) (context.Context, Request) {
	ctx := r.Context()
	if e == nil || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return ctx, Request{}
	}
	attrs := make([]attribute.KeyValue, 0, 6)
	attrs = append(attrs, method(r.Method), semconv.URLScheme("http"), version(r.ProtoMajor))
	ctx, span := e.tracer.Start(
		e.propagator.Extract(ctx, propagation.HeaderCarrier(r.Header)), r.Method,
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attrs...),
		trace.WithAttributes(attribute.String("holdfast.request_id", requestID)),
	)
	return ctx, Request{edge: e, ctx: ctx, begin: time.Now(), span: span, attrs: attrs}
}

// End says how the request was answered: by the handlers of which route, empty
// when there was none, with which status, and whether the answer was cut.
func (r Request) End(httpMethod, route string, status int, cut bool) {
	if r.edge == nil {
		return
	}
	attrs := append(r.attrs, semconv.HTTPResponseStatusCode(status))
	if route != "" {
		attrs = append(attrs, semconv.HTTPRoute(route))
		r.span.SetName(httpMethod + " " + route)
	}
	switch {
	case cut:
		attrs = append(attrs, semconv.ErrorTypeKey.String("cut"))
	case status >= http.StatusInternalServerError:
		attrs = append(attrs, semconv.ErrorTypeKey.String(http.StatusText(status)))
	}
	if cut || status >= http.StatusInternalServerError {
		r.span.SetStatus(codes.Error, "")
	}
	r.span.SetAttributes(attrs...)
	r.edge.duration.Record(r.ctx, time.Since(r.begin).Seconds(), metric.WithAttributes(attrs...))
	r.span.End()
}

// method names a method of HTTP; those that nobody knows share a name, for
// they come from the client.
func method(name string) attribute.KeyValue {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return semconv.HTTPRequestMethodKey.String(name)
	}
	return semconv.HTTPRequestMethodOther
}

func version(major int) attribute.KeyValue {
	if major == 2 {
		return semconv.NetworkProtocolVersion("2")
	}
	return semconv.NetworkProtocolVersion("1.1")
}
