package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
)

const (
	// prepareFirst is how long the first try may hold up the start: what is at
	// hand is prepared before a caller can come.
	prepareFirst = 2 * time.Second
	// prepareEach bounds a later try.
	prepareEach = 15 * time.Second
	// preparePause is about the pause before the second try; it grows to
	// preparePauseMost.
	preparePause     = 250 * time.Millisecond
	preparePauseMost = 5 * time.Second
)

// preparation is Config.Prepare on its way.
type preparation struct {
	// done gets what it came to: nil, or the error for which the process ends.
	done chan error
	// end ends it and waits for that.
	end func()
}

// prepare tries once before it returns, and goes on in the background.
func prepare(ctx context.Context, logger *slog.Logger, try func(context.Context) error) *preparation {
	p := &preparation{done: make(chan error, 1), end: func() {}}
	if try == nil {
		p.done <- nil
		return p
	}
	attempt := func(ctx context.Context, most time.Duration) (settled bool) {
		ctx, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		err := try(ctx)
		if errors.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
			logger.WarnContext(ctx, "not ready yet", slog.Any("error", err))
			return false
		}
		p.done <- err
		return true
	}
	if attempt(ctx, prepareFirst) {
		return p
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	p.end = func() {
		cancel()
		<-ended
	}
	go func() {
		defer close(ended)
		for pause := preparePause; ; pause = min(2*pause, preparePauseMost) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // nothing to guess
			}
			if attempt(ctx, prepareEach) {
				return
			}
		}
	}()
	return p
}
