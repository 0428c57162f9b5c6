// Package lifecycle runs the parts of a process from start to drain.
package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Config says how a process ends.
type Config struct {
	// Readiness is true from the start, or from when Prepare has returned nil,
	// until the drain begins; may be nil.
	Readiness *Readiness
	// Prepare, when not nil, asks for what the process can't work without. It is
	// called again while it returns UNAVAILABLE or takes too long, and any other
	// error ends the process: so one that starts before its database does comes
	// up, says that it isn't ready, and becomes so.
	Prepare func(ctx context.Context) error
	// DrainDelay is the time between readiness turning false and the first
	// component draining, in which load balancers take notice.
	DrainDelay time.Duration
	// DrainTimeout bounds the drain of all components together; 0 means 30 s. A fifth
	// of it is kept for those that end later than the one that takes its time.
	DrainTimeout time.Duration
}

// Component is a part of a process.
type Component struct {
	// Name is for the log.
	Name string
	// Run does the work until ctx ends or Drain is called. It returns nil when
	// it was told to end; before that, any return ends the process. It may be
	// nil for a part that has an end only.
	Run func(ctx context.Context) error
	// Drain ends Run in order: it takes no new work, finishes what is in hand
	// and gives up when ctx ends. It may be nil when the end of Run's context
	// is enough.
	Drain func(ctx context.Context) error
}

// ErrForced is returned when a second signal came during the drain.
var ErrForced = errors.New("lifecycle: second signal, not drained")

const defaultDrainTimeout = 30 * time.Second

// Run prepares and starts the components, waits until ctx ends, SIGINT or SIGTERM
// comes or a component returns, and then ends them: readiness turns false, DrainDelay
// passes (not when a component failed), and the components are drained one
// after the other, the last one first, so that what others depend on should
// stand first in the list. The context of a Run ends when its Drain returned.
//
// It returns nil after a clean drain, else the errors of the components, which
// are those of ctx for one that was not done within DrainTimeout. A second
// signal makes it return ErrForced at once, for main to exit.
//
// It also sets the pace of the garbage collector to that of a server, which GOGC
// overrules.
func Run(ctx context.Context, logger *slog.Logger, cfg Config, components ...Component) error {
	tuneCollector()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	return run(ctx, logger, cfg, signals, components)
}

func run(ctx context.Context, logger *slog.Logger, cfg Config, signals <-chan os.Signal, components []Component) error {
	p := prepare(ctx, logger, cfg.Prepare)
	defer p.end()
	g := start(ctx, components)

	failed, delay := error(nil), cfg.DrainDelay
	for serving := true; serving; {
		select {
		case err := <-p.done:
			p.done = nil // it says so once
			if serving, failed = err == nil, err; serving {
				setReady(cfg.Readiness, true)
				continue
			}
			delay = 0
			logger.ErrorContext(ctx, "not to be prepared, draining", slog.Any("error", failed))
			continue
		case s := <-signals:
			logger.InfoContext(ctx, "draining", slog.String("signal", s.String()))
		case <-ctx.Done():
			logger.InfoContext(ctx, "draining", slog.String("cause", context.Cause(ctx).Error()))
		case m := <-g.ended:
			failed = m.failure()
			delay = 0
			logger.ErrorContext(ctx, "a component ended, draining the others", slog.Any("error", failed))
		}
		serving = false
	}
	setReady(cfg.Readiness, false)

	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- g.drain(ctx, delay, cfg.timeout()) }()
	select {
	case err := <-drained:
		return errors.Join(failed, err)
	case <-signals:
		return errors.Join(failed, ErrForced)
	}
}

func (c Config) timeout() time.Duration {
	if c.DrainTimeout == 0 {
		return defaultDrainTimeout
	}
	return c.DrainTimeout
}

func setReady(r *Readiness, ready bool) {
	if r != nil {
		r.Set(ready)
	}
}
