// Package retry repeats the calls of a backend, with pauses that grow and are
// spread, for as long as a caller may be kept waiting.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Policy says how long to go on. Zero fields have defaults.
type Policy struct {
	// First is about the first pause, 25 ms when 0; each is twice as long as
	// the one before, up to Last, 1 s when 0.
	First, Last time.Duration
	// Patience is how long to go on in all, 8 s when 0. The deadline of the
	// caller, when it is sooner, counts instead.
	Patience time.Duration
	// Attempt bounds one call; 0 for no bound but the caller's. An answer that
	// never comes would otherwise use up all the patience.
	Attempt time.Duration
}

// errAttempt is the cause of the end of one call's context.
var errAttempt = errors.New("no answer in time")

// Do calls until the call returns nil or an error for which again is false, or
// the patience is over. It returns the last error of the call; when ctx has
// ended, that of ctx. again is asked about every error once.
func (p Policy) Do(ctx context.Context, call func(context.Context) error, again func(error) bool) error {
	p = p.withDefaults()
	end := time.Now().Add(p.Patience)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	for pause := p.First; ; pause = min(2*pause, p.Last) {
		err := p.attempt(ctx, call)
		if err == nil || !again(err) {
			return ended(ctx, err)
		}
		// Half of it is by chance, so that those who met do not meet again.
		wait := pause/2 + rand.N(pause) //nolint:gosec // nothing to guess
		if time.Until(end) < wait {
			return ended(ctx, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (p Policy) attempt(ctx context.Context, call func(context.Context) error) error {
	if p.Attempt == 0 {
		return call(ctx)
	}
	bounded, cancel := context.WithTimeoutCause(ctx, p.Attempt, errAttempt)
	defer cancel()
	err := call(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		// Not the caller's deadline: its error must not look like that.
		return fmt.Errorf("%w: %v", errAttempt, err) //nolint:errorlint // on purpose
	}
	return err
}

// ended prefers the error of a context that has ended.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (p Policy) withDefaults() Policy {
	if p.First == 0 {
		p.First = 25 * time.Millisecond
	}
	if p.Last == 0 {
		p.Last = time.Second
	}
	if p.Patience == 0 {
		p.Patience = 8 * time.Second
	}
	return p
}

// Unanswered reports whether err is that of a call whose answer did not come
// within Policy.Attempt.
func Unanswered(err error) bool { return errors.Is(err, errAttempt) }
