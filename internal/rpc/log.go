package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"google.golang.org/grpc/codes"
)

// log writes the one line of a call: at debug when it succeeded, at info when
// the caller was wrong, above that when we were, and then with the cause.
func (c *chain) log(ctx context.Context, method string, begin time.Time, public *fault.Error, err error) {
	level := levelOf(public)
	if isProbe(method) && !isOurs(public) {
		level = slog.LevelDebug
	}
	if !c.config.Logger.Enabled(ctx, level) {
		return
	}
	code := codes.OK
	if public != nil {
		code = fault.Code(public.Reason)
	}
	attrs := []slog.Attr{
		slog.String("door", c.config.Name),
		slog.String("method", method),
		slog.String("code", code.String()),
		slog.Duration("duration", time.Since(begin)),
	}
	attrs = append(attrs, fault.Attrs(err)...)
	if p := new(panicked); errors.As(err, &p) {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	c.config.Logger.LogAttrs(ctx, level, "call", attrs...)
}

func levelOf(e *fault.Error) slog.Level {
	switch {
	case e == nil:
		return slog.LevelDebug
	case isOurs(e):
		return slog.LevelError
	case fault.HTTPStatus(e.Reason) > http.StatusInternalServerError:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
