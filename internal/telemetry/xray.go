package telemetry

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// xray understands the header by which AWS names a trace, such as
//
//	X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
//
// It writes none: our services speak W3C Trace Context to each other.
// A header without a parent, which is what a load balancer sends for a request
// that had none, cannot become a span context and is passed over.
type xray struct{}

const xrayHeader = "X-Amzn-Trace-Id"

var errXRay = errors.New("telemetry: not an X-Ray trace id")

func (xray) Fields() []string { return nil }

func (xray) Inject(context.Context, propagation.TextMapCarrier) {}

func (xray) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	var config trace.SpanContextConfig
	for field := range strings.SplitSeq(carrier.Get(xrayHeader), ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		var err error
		switch key {
		case "Root":
			config.TraceID, err = xrayTraceID(value)
		case "Parent":
			config.SpanID, err = trace.SpanIDFromHex(value)
		case "Sampled":
			config.TraceFlags = config.TraceFlags.WithSampled(value == "1")
		}
		if err != nil {
			return ctx
		}
	}
	config.Remote = true
	parent := trace.NewSpanContext(config)
	if !parent.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, parent)
}

// xrayTraceID reads version 1 of a trace id: the second it began and 96 random
// bits, which together are the id of W3C.
func xrayTraceID(s string) (trace.TraceID, error) {
	version, rest, _ := strings.Cut(s, "-")
	seconds, random, _ := strings.Cut(rest, "-")
	if version != "1" || len(seconds) != 8 {
		return trace.TraceID{}, errXRay
	}
	return trace.TraceIDFromHex(seconds + random)
}
