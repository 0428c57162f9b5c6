package telemetry

import (
	"context"
	"log/slog"
)

// leveled is a handler that is enabled as another one is.
type leveled struct {
	slog.Handler
	as slog.Handler
}

func (h leveled) Enabled(ctx context.Context, level slog.Level) bool {
	return h.as.Enabled(ctx, level)
}

func (h leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{Handler: h.Handler.WithAttrs(attrs), as: h.as}
}

func (h leveled) WithGroup(name string) slog.Handler {
	return leveled{Handler: h.Handler.WithGroup(name), as: h.as}
}
