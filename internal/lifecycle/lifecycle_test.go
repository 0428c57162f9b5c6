package lifecycle

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var errBroken = errors.New("broken")

// journal notes what happens, in order.
type journal struct {
	mu     sync.Mutex
	events []string
}

func (j *journal) note(event string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, event)
}

func (j *journal) want(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.events, want) {
		t.Errorf("what happened is\n%s\nwant\n%s", strings.Join(j.events, "\n"), strings.Join(want, "\n"))
	}
}

// server is a component like a server: Run ends by Drain.
func (j *journal) server(name string) Component {
	drained := make(chan struct{})
	return Component{
		Name: name,
		Run: func(context.Context) error {
			<-drained
			return nil
		},
		Drain: func(context.Context) error {
			j.note("drain " + name)
			close(drained)
			return nil
		},
	}
}

// worker is a component like a sweeper: Run ends with its context.
func (j *journal) worker(name string) Component {
	return Component{Name: name, Run: func(ctx context.Context) error {
		<-ctx.Done()
		j.note("end " + name)
		return ctx.Err()
	}}
}

// closer is a part that has an end only.
func (j *journal) closer() Component {
	return Component{Name: "table", Drain: func(context.Context) error {
		j.note("close table")
		return nil
	}}
}

// starter runs components in the background, with signals of its own.
type starter struct {
	readiness Readiness
	signals   chan os.Signal
	result    chan error
}

func begin(t *testing.T, cfg Config, components ...Component) *starter {
	t.Helper()
	s := &starter{signals: make(chan os.Signal, 2), result: make(chan error, 1)}
	cfg.Readiness = &s.readiness
	go func() {
		s.result <- run(t.Context(), slog.New(slog.DiscardHandler), cfg, s.signals, components)
	}()
	synctest.Wait()
	if !s.readiness.Ready() {
		t.Fatal("not ready after the start")
	}
	return s
}

func TestDrainsTheLastOneFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		s := begin(t, Config{}, j.closer(), j.worker("sweeper"), j.server("storage"), j.server("gateway"))
		s.signals <- syscall.SIGTERM
		if err := <-s.result; err != nil {
			t.Error(err)
		}
		j.want(t, "drain gateway", "drain storage", "end sweeper", "close table")
	})
}

func TestReadinessFailsBeforeTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		s := begin(t, Config{DrainDelay: 15 * time.Second}, j.server("gateway"))
		start := time.Now()
		s.signals <- syscall.SIGINT
		synctest.Wait()
		if s.readiness.Ready() {
			t.Error("still ready after the signal")
		}
		j.want(t)
		if err := <-s.result; err != nil {
			t.Error(err)
		}
		if got := time.Since(start); got != 15*time.Second {
			t.Errorf("drained after %v", got)
		}
		j.want(t, "drain gateway")
	})
}

func TestAFailureDrainsTheOthersAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"error":  {errBroken, "storage: broken"},
		"return": {nil, "storage ended by itself"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var j journal
				fail := make(chan struct{})
				broken := Component{Name: "storage", Run: func(context.Context) error {
					<-fail
					return tc.err
				}}
				s := begin(t, Config{DrainDelay: time.Hour}, j.closer(), broken, j.server("gateway"))
				start := time.Now()
				close(fail)
				err := <-s.result
				if err == nil || err.Error() != tc.want || !errors.Is(err, tc.err) && tc.err != nil {
					t.Errorf("got %v, want %s", err, tc.want)
				}
				if s.readiness.Ready() || time.Since(start) != 0 {
					t.Error("waited for the delay, or still ready")
				}
				j.want(t, "drain gateway", "close table")
			})
		})
	}
}

func TestTheTimeoutBoundsTheDrainOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		stuck := Component{
			Name:  "storage",
			Run:   func(ctx context.Context) error { <-ctx.Done(); return nil },
			Drain: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		}
		deaf := make(chan struct{})
		never := Component{Name: "deaf", Run: func(context.Context) error { <-deaf; return nil }}
		s := begin(t, Config{DrainTimeout: time.Minute}, never, j.closer(), stuck)
		start := time.Now()
		s.signals <- syscall.SIGTERM
		err := <-s.result
		if !errors.Is(err, context.DeadlineExceeded) ||
			!strings.Contains(err.Error(), "draining storage") || !strings.Contains(err.Error(), "draining deaf") {
			t.Errorf("got %v", err)
		}
		if got := time.Since(start); got != time.Minute {
			t.Errorf("returned after %v", got)
		}
		j.want(t, "close table")
		close(deaf)
	})
}

// What ends after a component that takes all of its time has time, too.
func TestTheDrainKeepsTimeForTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := Component{
			Name:  "gateway",
			Run:   func(ctx context.Context) error { <-ctx.Done(); return nil },
			Drain: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		}
		flush := make(chan bool, 1)
		log := Component{
			Name: "audit log",
			Run:  func(ctx context.Context) error { <-ctx.Done(); return nil },
			Drain: func(ctx context.Context) error {
				select {
				case <-time.After(time.Second):
					flush <- true
				case <-ctx.Done():
					flush <- false
				}
				return nil
			},
		}
		var j journal
		s := begin(t, Config{DrainTimeout: time.Minute}, j.closer(), log, stuck, stuck)
		s.signals <- syscall.SIGTERM
		if err := <-s.result; !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "audit log") {
			t.Errorf("got %v", err)
		}
		if !<-flush {
			t.Error("the audit log had no time")
		}
		j.want(t, "close table")
	})
}

func TestAnErrorDuringTheDrainIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		late := Component{Name: "storage", Run: func(ctx context.Context) error {
			<-ctx.Done()
			return errBroken
		}}
		s := begin(t, Config{}, j.closer(), late)
		s.signals <- syscall.SIGTERM
		if err := <-s.result; !errors.Is(err, errBroken) || err.Error() != "draining storage: broken" {
			t.Errorf("got %v", err)
		}
		j.want(t, "close table")
	})
}

func TestASecondSignalReturnsAtOnce(t *testing.T) {
	for name, cfg := range map[string]Config{
		"in the delay": {DrainDelay: time.Hour},
		"in the drain": {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				stuck := Component{Name: "storage", Drain: func(context.Context) error { <-release; return nil }}
				s := begin(t, cfg, stuck)
				start := time.Now()
				s.signals <- syscall.SIGTERM
				synctest.Wait()
				s.signals <- syscall.SIGTERM
				if err := <-s.result; !errors.Is(err, ErrForced) {
					t.Errorf("got %v", err)
				}
				if time.Since(start) != 0 {
					t.Error("did not return at once")
				}
				close(release)
			})
		})
	}
}

func TestTheEndOfTheContextDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		ctx, cancel := context.WithCancelCause(t.Context())
		result := make(chan error, 1)
		server := j.server("storage")
		drain := server.Drain
		server.Drain = func(ctx context.Context) error {
			if ctx.Err() != nil {
				t.Error("the drain has no time")
			}
			return drain(ctx)
		}
		go func() {
			result <- run(ctx, slog.New(slog.DiscardHandler), Config{}, nil, []Component{server, j.worker("sweeper")})
		}()
		synctest.Wait()
		j.want(t)
		cancel(errBroken)
		if err := <-result; err != nil {
			t.Error(err)
		}
		j.want(t, "end sweeper", "drain storage")
	})
}

func TestSIGTERMOfTheProcess(t *testing.T) {
	var j journal
	var log bytes.Buffer
	running := make(chan struct{})
	server := j.server("storage")
	run := server.Run
	server.Run = func(ctx context.Context) error {
		close(running)
		return run(ctx)
	}
	result := make(chan error, 1)
	go func() {
		result <- Run(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), Config{}, server)
	}()
	<-running
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	j.want(t, "drain storage")
	if !strings.Contains(log.String(), "signal=terminated") {
		t.Errorf("log is %s", log.String())
	}
}
