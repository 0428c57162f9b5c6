package content_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

// Steps of an append, beside those of an upload in one request.
const (
	take   step = "TakeUpload"
	keep   step = "KeepExtents"
	finish step = "FinishUpload"
	read   step = "read" // of small extents that are joined
)

// appendRows are what goes wrong in appends, at each step and for the how-manieth
// time it is taken.
func appendRows() [][]mishap {
	all := []how{lost, lostOnce, errored, erroredOnce, slowOnce, left, leftLost, leftErrored, killedBefore, killedAfter, internalErr}
	rows := map[step][]how{
		take: all, keep: all, finish: all,
		create: {lost, lostOnce, errored, late, later, full, left, leftLost, leftErrored, killedBefore, killedAfter, internalErr},
		read:   {lost, left, leftLost, killedBefore, internalErr},
		remove: {lost, errored, leftLost, killedBefore, killedAfter},
	}
	var made [][]mishap
	for _, s := range []step{take, keep, finish, create, read, remove} {
		for _, h := range rows[s] {
			row := []mishap{{s, h}}
			if s == remove {
				row = append(row, mishap{create, full}) // something to remove
			}
			made = append(made, row)
		}
	}
	return made
}

// TestAppendFaults lets each step of appends go wrong in each way, from each time
// on that it is taken. Whatever happens, what was acknowledged is there, nothing
// is visible without its bytes, every blob has a record, the upload can be
// continued by another process, and in the end the file is whole and nothing is
// left beside it.
func TestAppendFaults(t *testing.T) {
	count := 0
	strikes := func(row []mishap, from int, summed bool) (struck bool) {
		t.Run(fmt.Sprintf("%s from %d summed=%v", name(row), from, summed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { struck = testAppendFault(t, row, from, summed) })
		})
		count++
		return struck
	}
	for i, row := range appendRows() {
		for from := 1; ; from++ {
			// By turns, for they differ in a few steps only; the ends of both are seen.
			summed := (i+from)%2 == 0
			if !strikes(row, from, summed) && !strikes(row, from, !summed) {
				break
			}
		}
	}
	t.Logf("%d rows", count)
}

// delayed is a gremlin that lets a number of steps go well. Steps come from
// several goroutines: an engine joins and keeps beside reading on.
type delayed struct {
	mu sync.Mutex
	gremlin
	from   int
	passed map[step]int
	struck bool
}

func (d *delayed) at(s step) how {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.done && !d.dead && slices.ContainsFunc(d.row, func(m mishap) bool { return m.step == s }) {
		if d.passed[s]++; d.passed[s] < d.from {
			return how{}
		}
		d.struck = true
	}
	return d.gremlin.at(s)
}

var appended = sync.OnceValue(func() []byte { return random(2*testExtent+300_000, 7) })

func testAppendFault(t *testing.T, row []mishap, from int, summed bool) bool {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g := &delayed{from: from, passed: map[step]int{}}
	g.gremlin = gremlin{row: row, seen: map[step]int{}, cancel: cancel, done: true}
	w := newResumableWorld(t, g.ledger)
	w.store.Fault = g.blob
	data := appended()
	upload := w.open(t, int64(len(data)))

	g.over(false)
	acknowledged := int64(0)
	for _, end := range []int64{5000, 9000, 9001, testExtent + 300_000, int64(len(data))} {
		piece := data[acknowledged:end]
		status, err := w.append(ctx, upload, acknowledged, bytes.NewReader(piece), func(s *storagev1.AppendSpec) {
			s.ContentBytes = proto.Int64(int64(len(piece)))
			if summed {
				checksum(piece)(s)
			}
		})
		if err != nil {
			break
		}
		if acknowledged = status.GetUpload().GetOffsetBytes(); acknowledged != end {
			t.Errorf("acknowledged %d of %d bytes", acknowledged, end)
		}
	}
	struck := g.over(true)
	w.ledger.Check()

	w.engine = w.newEngine(nil) // in another process
	offset := w.query(t, upload).GetUpload().GetOffsetBytes()
	if offset < acknowledged {
		t.Fatalf("%d bytes were acknowledged and %d are there", acknowledged, offset)
	}
	status, err := w.append(t.Context(), upload, offset, bytes.NewReader(data[offset:]))
	if err != nil || status.GetFile() == nil {
		t.Fatalf("continued: %v, %v", status, err)
	}
	w.holds(t, data)
	return struck
}

// over says whether the row is over and returns whether it struck.
func (d *delayed) over(done bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = done
	return d.struck
}

func (d *delayed) ledger(method string) ledgertest.Fault {
	h := d.at(step(method))
	return ledgertest.Fault{Err: h.err(), Happens: h.happens}
}

func (d *delayed) blob(op faultblob.Op, _ blob.ID) faultblob.Fault {
	h := d.at(step(op))
	return faultblob.Fault{Err: h.err(), Happens: h.happens, Late: h.late, After: h.after}
}
