package access

import (
	"context"
	"log/slog"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// Decisions is the name of the metric that counts what the audit log tells of.
const Decisions = "holdfast.access.decisions"

// Audit is the audit log: a line for every call that was let through or
// refused, with who called, what for, from where and what it came to. Neither
// secrets nor contents nor names of files are in it. The metric counts the same
// by method and result, without saying who or where.
type Audit struct {
	lines     slog.Handler
	begun     *lru.Cache[beginning, slog.Handler]
	decisions metric.Int64Counter
}

// A beginning is what many lines have in common. It is made once: a line that has
// five attributes besides needs no memory of its own, and half of it is there.
type beginning struct {
	principal string
	kind      Kind
	method    string
}

// rememberedBeginnings bounds them.
const rememberedBeginnings = 1 << 12

// NewAudit returns an audit log whose lines a handler writes. No lines are
// written without one, and nothing is counted without a meter.
func NewAudit(lines slog.Handler, meters metric.MeterProvider) (*Audit, error) {
	if lines == nil {
		lines = slog.DiscardHandler
	}
	if meters == nil {
		meters = noop.NewMeterProvider()
	}
	begun, err := lru.New[beginning, slog.Handler](rememberedBeginnings)
	if err != nil {
		return nil, err
	}
	counter, err := meters.Meter("holdfast/access").Int64Counter(Decisions,
		metric.WithDescription("Calls that were let through or refused."), metric.WithUnit("{call}"))
	return &Audit{lines: lines, begun: begun, decisions: counter}, err
}

// call is one call as the audit log tells of it.
type call struct {
	method   string
	rule     rule
	decision *decision
	req      any
	resp     any
	err      error
}

// told writes the line of a call, and counts it.
func (a *Audit) told(ctx context.Context, c call) {
	if a == nil || c.rule.chore {
		return
	}
	reason, result := "", "allowed"
	if c.err != nil {
		reason = fault.ReasonOf(c.err).String()[len("REASON_"):]
		result = "failed"
		if !c.decision.let || refused(c.err) {
			result = "denied"
		}
	}
	method := strings.TrimPrefix(c.method, "/")
	if a.decisions.Enabled(ctx) {
		a.decisions.Add(ctx, 1, metric.WithAttributeSet(attribute.NewSet(
			attribute.String("method", method), attribute.String("result", result), attribute.String("reason", reason))))
	}
	level := slog.LevelInfo
	if result == "denied" {
		level = slog.LevelWarn
	}
	if !a.lines.Enabled(ctx, level) {
		return
	}
	// Handed to the handler itself: the logger would look up the caller in the
	// source for each line, and nobody asks for it.
	line := slog.NewRecord(time.Now(), level, "access", 0)
	line.AddAttrs(
		slog.String("resource", c.resource()),
		slog.String("address", caller.From(ctx).Address),
		slog.String("result", result))
	if reason != "" {
		line.AddAttrs(slog.String("reason", reason))
	}
	_ = a.begin(c.decision.who(), method).Handle(ctx, line) // logging.Gathered counts what is lost
}

// begin returns the handler of lines about a method that a principal calls.
func (a *Audit) begin(who Principal, method string) slog.Handler {
	key := beginning{who.ID, who.Kind, method}
	if lines, ok := a.begun.Get(key); ok {
		return lines
	}
	lines := a.lines.WithAttrs([]slog.Attr{
		slog.String("principal", who.ID), slog.String("kind", who.Kind.String()), slog.String("method", method),
	})
	a.begun.Add(key, lines)
	return lines
}

// resource returns the name of what a call was about: what came of it, or else
// what it asked for.
func (c call) resource() string {
	if c.decision.resource != "" {
		return c.decision.resource
	}
	if c.err == nil {
		if r, ok := c.resp.(interface{ GetName() string }); ok {
			return r.GetName()
		}
		if r, ok := c.resp.(interface{ GetFile() *metadatav1.File }); ok && r.GetFile() != nil {
			return r.GetFile().GetName()
		}
	}
	if c.rule.in == nil {
		return ""
	}
	_, name := c.rule.in(c.req)
	return name
}

// refused reports whether an error of a handler says that the caller may not.
func refused(err error) bool {
	switch fault.ReasonOf(err) {
	case errorsv1.Reason_REASON_UNAUTHENTICATED, errorsv1.Reason_REASON_PERMISSION_DENIED:
		return true
	}
	return false
}
