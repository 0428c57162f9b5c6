package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// beginUnready is begin with a Prepare that does not come to its end yet.
func beginUnready(t *testing.T, prepare func(context.Context) error, components ...Component) *starter {
	t.Helper()
	s := &starter{signals: make(chan os.Signal, 2), result: make(chan error, 1)}
	cfg := Config{Readiness: &s.readiness, Prepare: prepare}
	go func() {
		s.result <- run(t.Context(), slog.New(slog.DiscardHandler), cfg, s.signals, components)
	}()
	return s
}

// TestBecomesReadyWhenPrepared: what is not there is asked for again, also when
// it does not answer at all, and the components run meanwhile.
func TestBecomesReadyWhenPrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var there atomic.Bool
		var tries atomic.Int64
		s := beginUnready(t, func(ctx context.Context) error {
			switch n := tries.Add(1); {
			case there.Load():
				return nil
			case n%2 == 1:
				<-ctx.Done()
				return ctx.Err()
			}
			return fault.Unavailable
		}, j.server("metadata"))
		<-time.After(time.Minute)
		synctest.Wait()
		if s.readiness.Ready() || tries.Load() < 5 {
			t.Errorf("ready %v after %d tries", s.readiness.Ready(), tries.Load())
		}
		j.want(t)
		there.Store(true)
		<-time.After(prepareEach + 2*preparePauseMost)
		synctest.Wait()
		if !s.readiness.Ready() {
			t.Error("not ready although prepared")
		}
		s.signals <- syscall.SIGTERM
		if err := <-s.result; err != nil {
			t.Error(err)
		}
		j.want(t, "drain metadata")
	})
}

func TestEndsBeforeItIsPrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		s := beginUnready(t, func(context.Context) error { return fault.Unavailable }, j.server("metadata"))
		s.signals <- syscall.SIGTERM
		if err := <-s.result; err != nil {
			t.Error(err)
		}
		if s.readiness.Ready() {
			t.Error("ready")
		}
		j.want(t, "drain metadata")
	})
}

func TestEndsWhenItCannotBePrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		tries := 0
		s := beginUnready(t, func(context.Context) error {
			if tries++; tries < 3 {
				return fault.Unavailable
			}
			return errBroken
		}, j.server("metadata"))
		if err := <-s.result; !errors.Is(err, errBroken) {
			t.Errorf("ended with %v", err)
		}
		j.want(t, "drain metadata")
	})
}
