package namespace_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// keepingTable keeps what has expired, as DynamoDB may for days.
type keepingTable struct{ table.Table }

func (k keepingTable) Commit(ctx context.Context, writes []table.Write) error {
	kept := make([]table.Write, len(writes))
	for i, w := range writes {
		w.Item.Expires = time.Time{}
		kept[i] = w
	}
	return k.Table.Commit(ctx, kept)
}

// TestInterleavingsWithExpiredOutcome makes a request twice at once under an id
// that stood for another one, whose outcome has expired and is still there: at each
// call of the one to the table the other comes in between. They are one request.
func TestInterleavingsWithExpiredOutcome(t *testing.T) {
	upload := func(w *world) (proto.Message, error) {
		spec := atPath("/made")
		spec.RequestId = "r"
		return w.upload(spec, "x")
	}
	mkdir := func(w *world) (proto.Message, error) {
		return w.CreateFile(w.ctx, &metadatav1.CreateFileRequest{
			Parent: parent, RequestId: "r", File: &metadatav1.File{DisplayName: "made", Kind: metadatav1.File_FOLDER},
		})
	}
	for name, make := range map[string]func(*world) (proto.Message, error){"upload": upload, "create folder": mkdir} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				memory := newWorld(t)
				w := openWorld(t, keepingTable{memory.table}, memory.clock)
				if err := w.renameOnce(w.put("/old", "x"), "older", "r"); err != nil {
					t.Fatal(err)
				}
				w.clock.Advance(25 * time.Hour)
				paused := &pausedTable{Table: w.table}
				interrupted := w.beside(w.ctx, paused)
				var second proto.Message
				paused.then = func() {
					var err error
					if second, err = make(w); err != nil {
						t.Errorf("at call %d, the one in between: %v", at, err)
					}
				}
				paused.calls.Store(0)
				paused.at = at
				first, err := make(interrupted)
				if err != nil {
					t.Errorf("at call %d: %v", at, err)
				}
				if second == nil {
					break
				}
				if !proto.Equal(first, second) {
					t.Errorf("at call %d: %v\nand %v", at, first, second)
				}
				w.audit()
			}
		})
	}
}
