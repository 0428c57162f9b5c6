package pebbletable

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// keep does what needs no caller until ctx ends: it removes what has expired,
// and notes after a flush how far the table had come.
func (t *Table) keep(ctx context.Context, interval time.Duration) {
	defer close(t.kept)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := t.purge(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.log.LogAttrs(ctx, slog.LevelWarn, "expired records could not be removed; it is tried again", slog.Any("error", err))
			}
		case <-t.flushed:
			if err := t.mark(); err != nil {
				t.log.LogAttrs(ctx, slog.LevelWarn, "the mark of committed records could not be raised", slog.Any("error", err))
			}
		}
	}
}

// noteFlush has keep raise the watermark. It never waits.
func (t *Table) noteFlush() {
	select {
	case t.flushed <- struct{}{}:
	default:
	}
}

// mark raises the watermark to what is durable. Pebble drops the log of what
// it has flushed and relies on its manifest from then on; the watermark would
// tell if that lost its end.
func (t *Table) mark() error {
	v := t.views.acquire()
	committed := v.committed
	t.views.release(v)
	return t.directory.setWatermark(committed)
}
