package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

type group struct {
	members []member
	// ended gets the end of every component; it has room for all of them.
	ended chan ending
}

type member struct {
	Component
	cancel context.CancelFunc
	done   chan struct{}
}

func start(ctx context.Context, components []Component) *group {
	g := &group{ended: make(chan ending, len(components))}
	// A component's own drain ends it, not the end of ctx, which starts the
	// drain.
	base := context.WithoutCancel(ctx)
	for _, c := range components {
		run, cancel := context.WithCancel(base)
		m := member{Component: c, cancel: cancel, done: make(chan struct{})}
		g.members = append(g.members, m)
		go g.run(run, m)
	}
	return g
}

func (g *group) run(ctx context.Context, m member) {
	defer close(m.done)
	if m.Run == nil {
		<-ctx.Done()
		return
	}
	err := m.Run(ctx)
	g.ended <- ending{name: m.Name, err: err}
}

func (g *group) drain(ctx context.Context, logger *slog.Logger, delay, timeout time.Duration) error {
	if delay > 0 {
		time.Sleep(delay)
	}
	if timeout == 0 {
		timeout = defaultDrainTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var errs []error
	for i := len(g.members) - 1; i >= 0; i-- {
		if err := g.members[i].end(ctx); err != nil {
			errs = append(errs, err)
			logger.Warn("drain failed", "component", g.members[i].Name, "error", err)
		}
	}
	return errors.Join(errs...)
}

// end drains one component and waits for its Run to return.
func (m member) end(ctx context.Context) error {
	defer m.cancel()
	var err error
	if m.Drain != nil {
		err = m.Drain(ctx)
	}
	m.cancel()
	select {
	case <-m.done:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("draining %s: %w", m.Name, err)
	}
	return nil
}
