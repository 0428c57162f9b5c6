package api

import (
	"context"
	"time"
)

// watchdog cancels a transfer in which nothing moves although the server could
// move it.
type watchdog struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// errStalled is the cause of a context that a watchdog cancelled.
type errStalled time.Duration

func (e errStalled) Error() string { return "nothing moved for " + time.Duration(e).String() }

// watch returns a context that is cancelled when patience runs out, and by
// stop.
func watch(ctx context.Context, patience time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{cancel: cancel}
	w.timer = time.AfterFunc(patience, func() { cancel(errStalled(patience)) })
	return ctx, w
}

// grant gives the server that much time from now on.
func (w *watchdog) grant(patience time.Duration) { w.timer.Reset(patience) }

// rest gives the server all the time until the next grant: it is not its turn.
func (w *watchdog) rest() { w.timer.Stop() }

// stop releases the context.
func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(context.Canceled)
}
