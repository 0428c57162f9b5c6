package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/internal/retry"
)

var errBusy = errors.New("busy")

func always(error) bool { return true }

func TestGoesOnUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, start := 0, time.Now()
		err := retry.Policy{}.Do(t.Context(), func(context.Context) error {
			if calls++; calls < 6 {
				return errBusy
			}
			return nil
		}, always)
		if err != nil || calls != 6 {
			t.Errorf("%d calls, %v", calls, err)
		}
		// 25, 50, 100, 200 and 400 ms, each by half of it shorter or longer.
		if took := time.Since(start); took < 387*time.Millisecond || took > 1163*time.Millisecond {
			t.Errorf("waited %v", took)
		}
	})
}

func TestGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		policy   retry.Policy
		deadline time.Duration // of the caller
		again    func(error) bool
		within   time.Duration
		calls    int // at least
	}{
		"after its patience":       {retry.Policy{Patience: 3 * time.Second}, time.Hour, always, 3 * time.Second, 5},
		"before the deadline":      {retry.Policy{}, 2 * time.Second, always, 2 * time.Second, 4},
		"when it makes no sense":   {retry.Policy{}, time.Hour, func(error) bool { return false }, 0, 1},
		"with a bound of a call":   {retry.Policy{Attempt: time.Minute, Patience: time.Second}, time.Hour, always, time.Second, 3},
		"with no room for a pause": {retry.Policy{First: time.Minute}, time.Hour, always, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				start, calls := time.Now(), 0
				err := c.policy.Do(ctx, func(context.Context) error { calls++; return errBusy }, c.again)
				if !errors.Is(err, errBusy) || calls < c.calls || time.Since(start) > c.within {
					t.Errorf("%d calls, %v after %v", calls, err, time.Since(start))
				}
			})
		})
	}
}

func TestAnAnswerThatNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		err := retry.Policy{Attempt: 3 * time.Second}.Do(t.Context(), func(ctx context.Context) error {
			if calls++; calls == 2 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}, func(err error) bool {
			if !retry.Unanswered(err) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("asked about %v", err)
			}
			return true
		})
		if err != nil || calls != 2 {
			t.Errorf("%d calls, %v", calls, err)
		}
	})
}

func TestTheEndOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // in a bubble, which has its own clock
			cancel()
		}()
		start := time.Now()
		err := retry.Policy{First: time.Second}.Do(ctx, func(context.Context) error { return errBusy }, always)
		if !errors.Is(err, context.Canceled) || time.Since(start) != 10*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
