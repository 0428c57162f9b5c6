package content_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

// TestAppendTidyUnanswered has the ledger join small extents and not answer for as
// long as it is asked: the append goes on, with the extents that there are then.
func TestAppendTidyUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept atomic.Int32
		var failing atomic.Bool
		w := newResumableWorld(t, func(method string) ledgertest.Fault {
			// The first one keeps what was streamed.
			if step(method) == keep && failing.Load() && kept.Add(1) > 1 {
				return ledgertest.Fault{Err: fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "no answer"), Happens: true}
			}
			return ledgertest.Fault{}
		})
		const small, streamed = 5000, 256<<10 + 100
		data := random(small+streamed+200_000, 8)
		upload := w.open(t, int64(len(data)))
		if _, err := w.append(t.Context(), upload, 0, bytes.NewReader(data[:small])); err != nil {
			t.Fatal(err)
		}
		failing.Store(true)
		body := newScript()
		body.reads <- data[small : small+streamed]
		ended := make(chan error, 1)
		go func() {
			_, err := w.append(t.Context(), upload, small, body)
			ended <- err
		}()
		time.Sleep(2*time.Minute + time.Second) //nolint:forbidigo // the clock is that of synctest: an extent's time, and the ledger's
		synctest.Wait()
		failing.Store(false)
		if kept.Load() < 2 {
			t.Fatal("nothing was joined")
		}
		body.reads <- data[small+streamed:]
		close(body.reads)
		if err := <-ended; err != nil {
			t.Fatalf("the append: %v", err)
		}
		w.holds(t, data)
	})
}
