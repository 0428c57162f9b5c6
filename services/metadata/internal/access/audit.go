package access

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/logging"
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
	lines     *logging.Gathered
	decisions metric.Int64Counter
}

// NewAudit returns an audit log that is written to lines. No lines are written
// when that is nil, and nothing is counted without a meter.
func NewAudit(lines *logging.Gathered, meters metric.MeterProvider) (*Audit, error) {
	if meters == nil {
		meters = noop.NewMeterProvider()
	}
	counter, err := meters.Meter("holdfast/access").Int64Counter(Decisions,
		metric.WithDescription("Calls that were let through or refused."), metric.WithUnit("{call}"))
	return &Audit{lines: lines, decisions: counter}, err
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

// told writes the line of a call, and counts it. Chores are storage's own, all day
// long, and told of only when they fail.
func (a *Audit) told(ctx context.Context, c call) {
	if a == nil || c.rule.chore && c.err == nil {
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
	if a.lines == nil {
		return
	}
	level := "INFO"
	if result == "denied" {
		level = "WARN"
	}
	who, from := c.decision.who(), caller.From(ctx)
	var room [lineBytes]byte
	l := line(room[:0]).begin(time.Now(), level)
	l = l.add("principal", who.ID).add("kind", who.Kind.String()).add("method", method)
	l = l.add("resource", c.resource()).add("address", from.Address).add("result", result)
	if reason != "" {
		l = l.add("reason", reason)
	}
	if from.RequestID != "" {
		l = l.add("request_id", from.RequestID)
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		l = l.add("trace_id", span.TraceID().String()).add("span_id", span.SpanID().String())
	}
	_, _ = a.lines.Write(l.end()) // which counts what is lost
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
