package pebbletable_test

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// failing fails every sync of the log once it is broken.
type failing struct{ broken atomic.Bool }

func (*failing) String() string { return "failing" }

func (f *failing) MaybeError(op errorfs.Op) error {
	if f.broken.Load() && syncOf(".log").Evaluate(op) {
		return errors.New("the disk is gone")
	}
	return nil
}

// TestAFailureOfTheDiskEndsTheProcess breaks the disk under a process: it would
// refuse every change until somebody restarts it, and so it ends by itself.
func TestAFailureOfTheDiskEndsTheProcess(t *testing.T) {
	disk := new(failing)
	tbl := open(t, small(errorfs.Wrap(vfs.NewMem(), disk), "table"))
	put := func(sort string) error {
		return tbl.Commit(t.Context(), []table.Write{table.Put(table.Item{Key: table.Key{Partition: "p", Sort: sort}}, table.Any)})
	}
	if err := put("before"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- lifecycle.Run(t.Context(), slog.New(slog.DiscardHandler), lifecycle.Config{}, lifecycle.Component{Name: "records", Run: tbl.Watch})
	}()
	disk.broken.Store(true)
	if err := put("after"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("commit on a broken disk = %v, want UNAVAILABLE", err)
	}
	if err := <-ended; !errors.Is(err, fault.Unavailable) {
		t.Errorf("the process ended with %v, want the failure of the table", err)
	}
	if _, err := tbl.Get(t.Context(), table.Key{Partition: "p", Sort: "before"}); err != nil {
		t.Errorf("what was durable: %v", err)
	}
}
