package sweeper_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
	"github.com/holdfast-files/holdfast/services/storage/sweeper"
)

type world struct {
	store  *faultblob.Store
	ledger *ledgertest.Ledger
}

func newWorld(t *testing.T) *world {
	store := faultblob.New(t)
	return &world{store: store, ledger: ledgertest.New(t, store)}
}

func (w *world) sweeper(ledgerFault func(string) ledgertest.Fault) *sweeper.Sweeper {
	return sweeper.New(sweeper.Config{
		Blobs: w.store, Ledger: w.ledger.Client(ledgerFault), Logger: slog.New(slog.DiscardHandler),
		Interval: time.Minute, Rate: 1e9,
	})
}

// jobs plants n jobs with two blobs each, of which one exists.
func (w *world) jobs(n int) {
	for range n {
		id, absent := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
		w.store.Put(id, []byte("x"))
		w.ledger.AddJob(time.Minute, id, absent)
	}
}

func TestSweep(t *testing.T) {
	w := newWorld(t)
	w.jobs(250) // more than two claims
	w.ledger.AddJob(-time.Hour, uuid.Must(uuid.NewV7()))
	s := w.sweeper(nil)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(w.store.IDs()); n != 0 {
		t.Errorf("%d blobs are left", n)
	}
	if n := w.ledger.Pending(); n != 1 {
		t.Errorf("%d jobs are left, want the one that is not due", n)
	}
	got := s.Stats()
	if got.Claimed != 250 || got.Finished != 250 || got.Deleted != 500 || got.Failed != 0 || got.InHand != 0 {
		t.Errorf("stats %+v", got)
	}
	if !got.OldestDue.IsZero() || got.LastClaim.IsZero() {
		t.Errorf("stats %+v: the last claim found nothing due", got)
	}
}

// TestSweepFaults lets each step go wrong. A job ends only when its blobs are
// gone, and what failed is done by a later sweep.
func TestSweepFaults(t *testing.T) {
	down := fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "down")
	cases := map[string]struct {
		method string // of the ledger, or
		op     faultblob.Op
		happen bool
	}{
		"claim lost":                  {method: "ClaimJobs"},
		"claim happened but errored":  {method: "ClaimJobs", happen: true},
		"delete lost":                 {op: faultblob.Delete},
		"delete happened but errored": {op: faultblob.Delete, happen: true},
		"finish lost":                 {method: "FinishJob"},
		"finish happened but errored": {method: "FinishJob", happen: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.jobs(7)
			var mu sync.Mutex
			failures := 3
			failing := func() error {
				mu.Lock()
				defer mu.Unlock()
				if failures--; failures < 0 {
					return nil
				}
				return down
			}
			w.store.Fault = func(op faultblob.Op, _ blob.ID) faultblob.Fault {
				if op != c.op {
					return faultblob.Fault{}
				}
				return faultblob.Fault{Err: failing(), Happens: c.happen}
			}
			s := w.sweeper(func(method string) ledgertest.Fault {
				if method != c.method {
					return ledgertest.Fault{}
				}
				return ledgertest.Fault{Err: failing(), Happens: c.happen}
			})
			if err := s.Sweep(t.Context()); !errors.Is(err, fault.Unavailable) {
				t.Errorf("first sweep: %v", err)
			}
			for range 3 {
				w.ledger.Advance(time.Hour) // the leases end
				_ = s.Sweep(t.Context())
			}
			w.ledger.Check()
			if blobs, jobs := len(w.store.IDs()), w.ledger.Pending(); blobs+jobs != 0 {
				t.Errorf("%d blobs and %d jobs are left", blobs, jobs)
			}
		})
	}
}

// TestSweepStoreDown holds that a sweep ends when nothing succeeds, and leaves
// the rest of a backlog alone.
func TestSweepStoreDown(t *testing.T) {
	w := newWorld(t)
	w.jobs(500)
	w.store.Fault = func(faultblob.Op, blob.ID) faultblob.Fault {
		return faultblob.Fault{Err: fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "down")}
	}
	s := w.sweeper(nil)
	if err := s.Sweep(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	if got := s.Stats(); got.Failed != 100 || got.Finished != 0 || got.InHand != 0 || got.OldestDue.IsZero() {
		t.Errorf("stats %+v", got)
	}
}

func TestSweepNonsense(t *testing.T) {
	w := newWorld(t)
	w.jobs(1)
	w.ledger.AddNonsense()
	s := w.sweeper(nil)
	if err := s.Sweep(t.Context()); err == nil {
		t.Error("a job with a blob id that is none was carried out")
	}
	if n := len(w.store.IDs()); n != 0 {
		t.Error("the other job was not carried out")
	}
}

// TestSweepSlowly has jobs of more blobs than can be deleted within a lease: they
// are done in several, one after the other, and none of them counts as failed.
func TestSweepSlowly(t *testing.T) {
	for _, pace := range []float64{0.01, 0.1, 2} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			count := max(20, int(pace*1000)) // more than a lease lasts for, which is two minutes
			for range 2 {
				var blobs []uuid.UUID
				for range count {
					id := uuid.Must(uuid.NewV7())
					w.store.Put(id, []byte("x"))
					blobs = append(blobs, id)
				}
				w.ledger.AddJob(time.Minute, blobs...)
			}
			s := sweeper.New(sweeper.Config{
				Blobs: w.store, Ledger: w.ledger.Client(nil), Logger: slog.New(slog.DiscardHandler), Rate: pace,
			})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			ideal := time.Duration(float64(2*count) / pace * float64(time.Second))
			time.Sleep(2*ideal + 10*time.Minute) //nolint:forbidigo // of the bubble
			if blobs, jobs := len(w.store.IDs()), w.ledger.Pending(); blobs+jobs != 0 {
				t.Errorf("%v blobs a second: %d of %d blobs and %d jobs are left", pace, blobs, 2*count, jobs)
			}
			if got := s.Stats(); got.Deleted != int64(2*count) || got.Failed != 0 || got.InHand != 0 || got.Finished != 2 {
				t.Errorf("%v blobs a second: stats %+v", pace, got)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRun has several sweepers share the work, through a time when the ledger
// is down, until their context ends.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		begin := time.Now()
		var running sync.WaitGroup
		for range 3 {
			s := w.sweeper(func(string) ledgertest.Fault {
				if time.Since(begin) < 10*time.Minute {
					return ledgertest.Fault{Err: fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "down")}
				}
				return ledgertest.Fault{}
			})
			running.Go(func() {
				if err := s.Run(ctx); err != nil {
					t.Errorf("run: %v", err)
				}
			})
		}
		for range 5 {
			w.jobs(30)
			<-time.After(time.Hour)
		}
		if blobs, jobs := len(w.store.IDs()), w.ledger.Pending(); blobs+jobs != 0 {
			t.Errorf("%d blobs and %d jobs are left", blobs, jobs)
		}
		cancel()
		running.Wait()
	})
}
