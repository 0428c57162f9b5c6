// Package logging makes the structured log of a process: JSON lines, each with
// the request id and the trace of the call that caused it.
package logging

import (
	"context"
	"io"
	"log/slog"

	"github.com/holdfast-files/holdfast/internal/caller"
	"go.opentelemetry.io/otel/trace"
)

// New returns a logger that writes JSON lines of at least the level to w, each
// with the attributes and, where the context has them, request_id, trace_id and
// span_id.
func New(w io.Writer, level slog.Leveler, attrs ...slog.Attr) *slog.Logger {
	h := slog.Handler(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	return slog.New(WithCall(h.WithAttrs(attrs)))
}

// WithCall returns a handler that adds the ids of the context's call to each
// record and leaves the rest to h.
func WithCall(h slog.Handler) slog.Handler { return handler{h} }

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if id := caller.From(ctx).RequestID; id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
