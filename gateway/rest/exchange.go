package rest

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/telemetry"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// exchange is one request and its answer.
type exchange struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	route  string // pattern that matched; empty for none
	method string // the one asked for, which need not be that of r
	params params
	refuse refusal // how a protocol words errors; nil for the usual way
	id     string  // request id
	begin  time.Time
	seen   telemetry.Request
	body   *body // nil when the request has none
	visit  visit
	status int   // 0 until the header is written
	err    error // why it failed
	cut    bool  // the answer is no whole and must not look like one
}

func newExchange(h *Handler, w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{h: h, w: w, r: r, method: r.Method, id: newRequestID(), begin: time.Now()}
	x.ctx, x.seen = h.edge.Begin(r, x.id)
	if r.ContentLength != 0 {
		x.body = newBody(w, r, h.limits.Stall)
	}
	w.Header()["X-Request-Id"] = []string{x.id}
	return x
}

// newRequestID returns an id that is unlikely to come twice. It need not be
// unguessable.
func newRequestID() string {
	var id [16]byte
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // told apart, not guessed
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // told apart, not guessed
	return hex.EncodeToString(id[:])
}

// identify puts the caller into the context of the exchange. This is all that
// crosses from a request into the process; no other field becomes metadata.
func (x *exchange) identify() error {
	c := caller.Caller{RequestID: x.id, Address: x.h.usher.viewer(x.r)}
	if lines := x.r.Header["Authorization"]; len(lines) > 0 && !x.h.open {
		if len(lines) > 1 {
			return fault.Invalidf("Authorization", "sent more than once")
		}
		if !printable(lines[0]) {
			return fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "Authorization: holds a character that no credential has")
		}
		c.Authorization = lines[0]
	}
	x.ctx = caller.With(x.ctx, c)
	if path := x.r.URL.Path; path == "/healthz" || path == "/readyz" {
		return nil // whoever watches over us must always be answered
	}
	return x.h.usher.enter(x, c)
}

// printable reports whether a value can cross to other services as it is.
func printable(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}

// writeHeader answers with a header alone.
func (x *exchange) writeHeader(status int) {
	x.beginAnswer(status)
	x.extendWrite(0)
}

// beginAnswer begins an answer. From here on a failure can only cut it. Nothing is sent
// before what is written next, after extendWrite.
func (x *exchange) beginAnswer(status int) {
	if x.body != nil {
		x.body.settle(x)
	}
	x.status = status
	x.w.WriteHeader(status)
}

// extendWrite sets how long the client may take for what is written next. Over
// HTTP/2 the stream is reset when that is over, also while nothing is being
// written: who does not go on writing, or end, calls pauseWrite.
func (x *exchange) extendWrite(bytes int) {
	allowed := x.h.limits.Stall + time.Duration(bytes/minBytesPerSecond)*time.Second
	x.setWriteDeadline(time.Now().Add(allowed))
}

// pauseWrite says that it is not for the client that nothing is written until
// extendWrite is called again.
func (x *exchange) pauseWrite() { x.setWriteDeadline(time.Time{}) }

func (x *exchange) setWriteDeadline(t time.Time) {
	if c, ok := x.w.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = c.SetWriteDeadline(t) // fails on a connection that is gone
	}
}

// finish ends an exchange that got its answer.
func (x *exchange) finish() {
	x.log()
	x.seen.End(x.r.Method, x.route, x.status, x.cut)
	if x.cut {
		panic(http.ErrAbortHandler)
	}
	if x.body != nil {
		x.body.drain(x.h.limits.DrainBytes, x.h.limits.Drain)
	}
}

// recover turns a panic into INTERNAL.
func (x *exchange) recover() {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
		panic(v)
	}
	x.h.logger.LogAttrs(x.ctx, slog.LevelError, "panic", slog.String("request_id", x.id),
		slog.Any("value", v), slog.String("stack", string(debug.Stack())))
	x.fail(fault.New(errorsv1.Reason_REASON_INTERNAL, "internal error"))
	x.finish()
}

// log writes the line of the exchange. It names the route and not the path:
// the names of files are nobody's who reads logs.
func (x *exchange) log() {
	level := slog.LevelDebug
	switch {
	case x.cut, x.status > http.StatusInternalServerError:
		level = slog.LevelWarn
	case x.status == http.StatusInternalServerError:
		level = slog.LevelError
	case x.status >= http.StatusBadRequest:
		level = slog.LevelInfo
	}
	if !x.h.logger.Enabled(x.ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", x.r.Method),
		slog.String("route", x.route),
		slog.Int("status", x.status),
		slog.Duration("duration", time.Since(x.begin)),
	}
	if x.err != nil {
		attrs = append(append(attrs, slog.Bool("cut", x.cut)), fault.Attrs(x.err)...)
	}
	x.h.logger.LogAttrs(x.ctx, level, "request", attrs...)
}
