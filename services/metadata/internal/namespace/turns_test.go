package namespace_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/memtable"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const distance = 2 * time.Millisecond

// distantTable is a table that answers after a while, as one across a network.
type distantTable struct{ table.Table }

func (d distantTable) Get(ctx context.Context, key table.Key) (table.Item, error) {
	<-time.After(distance)
	return d.Table.Get(ctx, key)
}

func (d distantTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	<-time.After(distance)
	return d.Table.Query(ctx, q)
}

func (d distantTable) Commit(ctx context.Context, writes []table.Write) error {
	<-time.After(distance)
	return d.Table.Commit(ctx, writes)
}

// TestCrowdOfChanges has far more callers change the tree of a space at once
// than a call has attempts: each change makes all others start anew, and none
// may be refused.
func TestCrowdOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		w := openWorld(t, distantTable{memtable.New(c.Now)}, c)
		var busy sync.WaitGroup
		start := make(chan struct{})
		for i := range 400 {
			folder := w.mkdir(root, fmt.Sprint(i))
			busy.Go(func() {
				<-start
				var err error
				if i%2 == 0 {
					_, err = w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: folder.GetName()})
				} else {
					_, err = w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{Name: folder.GetName(), DisplayName: "moved" + fmt.Sprint(i)})
				}
				if err != nil {
					t.Errorf("folder %d: %v", i, err)
				}
			})
		}
		close(start)
		busy.Wait()
	})
}
