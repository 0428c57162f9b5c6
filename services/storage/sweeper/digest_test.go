package sweeper_test

import (
	"bytes"
	"crypto/sha256"
	"log/slog"
	"sync/atomic"
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

// A digest that takes longer than its lease is computed in turns, each of which
// goes on where the one before put it down, in another process too; a turn that
// fails is lost and no more.
func TestDigestInTurns(t *testing.T) {
	const lease, read = 10 * time.Second, 2 * time.Second
	for name, fail := range map[string]func(turn int64) *ledgertest.Fault{
		"as it should": func(int64) *ledgertest.Fault { return nil },
		"a state that was not put down": func(turn int64) *ledgertest.Fault {
			if turn == 2 {
				return &ledgertest.Fault{Err: fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "down")}
			}
			return nil
		},
		"a state that was put down with an error": func(turn int64) *ledgertest.Fault {
			if turn == 2 {
				return &ledgertest.Fault{Err: fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "down"), Happens: true}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				blobs, sum := w.digestion(10)
				w.store.Fault = func(op faultblob.Op, _ blob.ID) faultblob.Fault {
					if op == faultblob.Read {
						time.Sleep(read) //nolint:forbidigo // of the bubble
					}
					return faultblob.Fault{}
				}
				turns := atomic.Int64{}
				for range 20 {
					s := sweeper.New(sweeper.Config{
						Blobs: w.store, Logger: slog.New(slog.DiscardHandler), Interval: time.Minute, Rate: 1e9, Lease: lease,
						Ledger: w.ledger.Client(func(method string) ledgertest.Fault {
							if method == "FinishJob" {
								if f := fail(turns.Add(1)); f != nil {
									return *f
								}
							}
							return ledgertest.Fault{}
						}),
					})
					_ = s.Sweep(t.Context()) // what fails is done by a later one
					if len(w.ledger.Digests()) > 0 {
						break
					}
					time.Sleep(time.Minute) //nolint:forbidigo // of the bubble; leases run out
				}
				got := w.ledger.Digests()
				if len(got) != 1 || !bytes.Equal(got[0], sum) {
					t.Errorf("digests %x, want %x", got, sum)
				}
				if turns.Load() < 3 {
					t.Errorf("it took %d turns of half a lease for ten reads of a fifth of it", turns.Load())
				}
				if n := len(w.store.IDs()); n != len(blobs) {
					t.Errorf("%d blobs are left of %d", n, len(blobs))
				}
			})
		})
	}
}

// More digests than are computed at a time, and deletions behind them: nothing is
// read twice, no read is cut by the end of a lease, and nothing fails.
func TestDigestsInTurns(t *testing.T) {
	const lease, read, digests, extents = 10 * time.Second, 2 * time.Second, 9, 10
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range digests {
			var blobs []uuid.UUID
			for range extents {
				id := uuid.Must(uuid.NewV7())
				w.store.Put(id, []byte("some bytes"))
				blobs = append(blobs, id)
			}
			w.ledger.AddDigestion(blobs...)
		}
		var reads atomic.Int64
		w.store.Fault = func(op faultblob.Op, _ blob.ID) faultblob.Fault {
			if op == faultblob.Read {
				reads.Add(1)
				time.Sleep(read) //nolint:forbidigo // of the bubble
			}
			return faultblob.Fault{}
		}
		for range 5 {
			id := uuid.Must(uuid.NewV7())
			w.store.Put(id, []byte("to be deleted"))
			w.ledger.AddJob(-time.Nanosecond, id) // behind the digests
		}
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble
		s := sweeper.New(sweeper.Config{
			Blobs: w.store, Ledger: w.ledger.Client(nil), Logger: slog.New(slog.DiscardHandler), Rate: 1e9, Lease: lease,
		})
		if err := s.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		if got := len(w.ledger.Digests()); got != digests || w.ledger.Pending() != 0 {
			t.Errorf("%d digests of %d, %d jobs are left", got, digests, w.ledger.Pending())
		}
		if got := reads.Load(); got != digests*extents {
			t.Errorf("%d reads of %d extents", got, digests*extents)
		}
		if got := len(w.store.IDs()); got != digests*extents {
			t.Errorf("%d blobs are left, want %d", got, digests*extents)
		}
	})
}

// Contents that are not there are a failed job, which is tried again.
func TestDigestOfLostBytes(t *testing.T) {
	w := newWorld(t)
	id := uuid.Must(uuid.NewV7())
	w.store.Put(id, []byte("bytes"))
	w.ledger.AddDigestion(id)
	w.store.Lose(id)
	s := w.sweeper(nil)
	_ = s.Sweep(t.Context()) // it says so in its stats
	if got := s.Stats(); got.Failed == 0 || len(w.ledger.Digests()) != 0 || w.ledger.Pending() != 1 {
		t.Errorf("stats %+v, digests %x, %d jobs left", got, w.ledger.Digests(), w.ledger.Pending())
	}
}

// Damaged bytes are tried again less and less often, and those before them are
// not read again for that.
func TestDigestOfDamagedBytes(t *testing.T) {
	for name, err := range map[string]error{
		"damaged": fault.New(errorsv1.Reason_REASON_DATA_LOSS, "checksum"),
		"lost":    blob.ErrNotFound,
		"cut off": blob.ErrRange,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				blobs, sum := w.digestion(4)
				var mended, good, bad atomic.Int64
				w.store.Fault = func(op faultblob.Op, id blob.ID) faultblob.Fault {
					switch {
					case op != faultblob.Read:
					case id != blobs[2] || mended.Load() != 0:
						good.Add(1)
					default:
						bad.Add(1)
						return faultblob.Fault{Err: err, After: 500}
					}
					return faultblob.Fault{}
				}
				s := w.sweeper(nil)
				day := time.Now().Add(24 * time.Hour)
				for time.Now().Before(day) {
					_ = s.Sweep(t.Context())    // it says so in its stats
					time.Sleep(2 * time.Minute) //nolint:forbidigo // of the bubble
				}
				if good.Load() != 2 || bad.Load() < 3 || bad.Load() > 12 {
					t.Errorf("in a day %d good extents were read, want 2, and %d damaged ones", good.Load(), bad.Load())
				}
				if got := s.Stats(); got.Failed != bad.Load() || w.ledger.Pending() != 1 {
					t.Errorf("stats %+v, %d jobs left", got, w.ledger.Pending())
				}
				mended.Store(1)
				time.Sleep(24 * time.Hour) //nolint:forbidigo // of the bubble
				if err := s.Sweep(t.Context()); err != nil {
					t.Error(err)
				}
				if got := w.ledger.Digests(); len(got) != 1 || !bytes.Equal(got[0], sum) {
					t.Errorf("once mended: digests %x, want %x", got, sum)
				}
			})
		})
	}
}

// digestion stores blobs of a file whose digest is to be computed, each a little
// longer than the one before, and returns them and the digest.
func (w *world) digestion(count int) (blobs []uuid.UUID, digest []byte) {
	var all []byte
	for i := range count {
		id := uuid.Must(uuid.NewV7())
		data := bytes.Repeat([]byte{byte(i)}, 1000+i)
		w.store.Put(id, data)
		blobs, all = append(blobs, id), append(all, data...)
	}
	w.ledger.AddDigestion(blobs...)
	sum := sha256.Sum256(all)
	return blobs, sum[:]
}
