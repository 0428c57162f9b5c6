package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// group are components that run.
type group struct {
	members []*member
	// ended gets each component whose Run returned; it has room for all.
	ended chan *member
}

type member struct {
	Component
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Run, once done is closed

	reported bool // that Run failed
}

func start(ctx context.Context, components []Component) *group {
	g := &group{ended: make(chan *member, len(components))}
	// The end of ctx begins the drain; only its drain ends a component.
	base := context.WithoutCancel(ctx)
	for _, c := range components {
		ctx, cancel := context.WithCancel(base)
		m := &member{Component: c, cancel: cancel, done: make(chan struct{})}
		g.members = append(g.members, m)
		if c.Run == nil {
			close(m.done)
			continue
		}
		go func() {
			m.err = m.Run(ctx)
			close(m.done)
			g.ended <- m
		}()
	}
	return g
}

// lastShare is the share of the timeout that is divided among all components. One
// that waits for a slow client takes the rest and its part of this, and cannot keep
// what ends after it from writing down what it has.
const lastShare = 5

// drain waits for the delay and ends the components within the timeout.
func (g *group) drain(ctx context.Context, delay, timeout time.Duration) error {
	select {
	case <-time.After(delay):
	case <-ctx.Done():
	}
	end, part := time.Now().Add(timeout), timeout/lastShare/time.Duration(max(len(g.members), 1))
	var errs []error
	for i := len(g.members) - 1; i >= 0; i-- {
		if err := g.members[i].endBy(ctx, end.Add(-part*time.Duration(i))); err != nil {
			errs = append(errs, fmt.Errorf("draining %s: %w", g.members[i].Name, err))
		}
	}
	return errors.Join(errs...)
}

func (m *member) endBy(ctx context.Context, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return m.end(ctx)
}

// end drains the component and waits for its Run to return.
func (m *member) end(ctx context.Context) error {
	var err error
	if m.Drain != nil {
		err = m.Drain(ctx)
	}
	m.cancel()
	select {
	case <-m.done:
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
	if m.reported || errors.Is(m.err, context.Canceled) {
		return err
	}
	return errors.Join(err, m.err)
}

// failure reports the end of a component that was not told to end.
func (m *member) failure() error {
	m.reported = true
	if m.err == nil {
		return fmt.Errorf("%s ended by itself", m.Name)
	}
	return fmt.Errorf("%s: %w", m.Name, m.err)
}
