package namespace_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// pausedTable runs something else as a whole before one of its calls.
type pausedTable struct {
	table.Table
	at    int // 0 for never
	calls atomic.Int64
	then  func()
}

func (p *pausedTable) call() {
	if p.calls.Add(1) == int64(p.at) {
		p.then()
	}
}

func (p *pausedTable) Get(ctx context.Context, key table.Key) (table.Item, error) {
	p.call()
	return p.Table.Get(ctx, key)
}

func (p *pausedTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if !strings.HasPrefix(q.Partition, "W#") { // of the many shards of jobs, most are empty
		p.call()
	}
	return p.Table.Query(ctx, q)
}

func (p *pausedTable) Commit(ctx context.Context, writes []table.Write) error {
	p.call()
	return p.Table.Commit(ctx, writes)
}

// outcome is what two requests came to, each, and together.
type outcome struct {
	first, second errorsv1.Reason
	state         string
}

func (o outcome) String() string { return fmt.Sprintf("%v, %v\n%s", o.first, o.second, o.state) }

// intruders are what comes in between: the operations, time and the sweeper,
// and what only a process whose clock is behind would still do.
func intruders(p plot) map[string]operation {
	all := maps.Clone(operations)
	all["sweep"] = func(w *world, _ planted, _ string) error { return w.sweepOnce(0) }
	all["a day and a sweep"] = func(w *world, _ planted, _ string) error { return w.sweepOnce(25 * time.Hour) }
	all["a month and a sweep"] = func(w *world, _ planted, _ string) error { return w.sweepOnce(31 * 24 * time.Hour) }
	all["create in target"] = uploadTo("/b/new", nil)
	maps.Copy(all, readers)
	maps.Copy(all, changesInTwo)
	all["late commit"] = func(w *world, _ planted, _ string) error {
		_, err := w.behind().Commit(w.ctx, p.begun)
		return err
	}
	all["late undelete"] = func(w *world, tree planted, id string) error {
		return operations["undelete folder"](w.behind(), tree, id)
	}
	return all
}

// readers are what only looks.
var readers = map[string]operation{
	"get below": func(w *world, tree planted, _ string) error { return w.found(tree["/a/sub/g"]) },
	"look up below": func(w *world, _ planted, _ string) error {
		_, err := w.look("/a/sub/h")
		return err
	},
	"list below": func(w *world, tree planted, _ string) error {
		_, err := w.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Folder: tree["/a/sub"].GetName()})
		return err
	},
}

// changesInTwo are changes after each of which something is so, or is seen to be
// so, that was never so together with what was so before.
var changesInTwo = map[string]operation{
	"target is trashed and the file looked for": func(w *world, tree planted, id string) error {
		return cmp.Or(w.trashOnce(tree["/b"], id), w.found(tree["/a/f"]))
	},
	"folder is trashed and the trash looked at": func(w *world, tree planted, id string) error {
		return cmp.Or(w.trashOnce(tree["/a"], id), w.found(tree["/trashedfile"]))
	},
	"target is purged and swept": func(w *world, tree planted, id string) error {
		err := w.trashOnce(tree["/b"], id)
		if err == nil {
			_, err = w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: tree["/b"].GetName()})
		}
		return cmp.Or(err, w.sweepOnce(0))
	},
	"sub is moved out and its folder trashed": func(w *world, tree planted, id string) error {
		return cmp.Or(w.moveOnce(tree["/a/sub"], tree["/b"], ""), w.trashOnce(tree["/a"], id))
	},
	"folder is renamed and filled": func(w *world, tree planted, id string) error {
		return cmp.Or(w.renameOnce(tree["/a"], "renamed", ""), uploadTo("/renamed/sub/h", nil)(w, tree, id))
	},
	"file is purged and its name taken": func(w *world, tree planted, id string) error {
		return cmp.Or(operations["purge file"](w, tree, ""), operations["create folder"](w, tree, id))
	},
}

// found looks at a node, which is NOT_FOUND where its folder is in the trash.
func (w *world) found(node *metadatav1.File) error {
	_, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: node.GetName()})
	return err
}

// behind returns a process whose clock stands still.
func (w *world) behind() *world {
	w.t.Helper()
	late := openWorld(w.t, w.table, &clock{now: plantTime})
	late.ctx, late.blobs = w.ctx, w.blobs
	return late
}

// sweepOnce lets time pass and carries out what is due. A job that another one
// has finished meanwhile is nothing to complain of.
func (w *world) sweepOnce(later time.Duration) error {
	w.clock.Advance(later)
	for {
		claimed, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 100, LeaseDuration: durationpb.New(time.Minute)})
		if err != nil {
			return err
		}
		for _, job := range claimed.GetJobs() {
			for _, id := range job.GetBlobIds() {
				delete(w.blobs, id)
			}
			_, err := w.FinishJob(w.ctx, &ledgerv1.FinishJobRequest{Id: job.GetId(), Lease: job.GetLease()})
			if err != nil && !errors.Is(err, fault.Conflict) {
				return err
			}
		}
		if len(claimed.GetJobs()) == 0 && claimed.GetStepsDone() == 0 {
			return nil
		}
	}
}

var interleaveEvery = flag.Int("interleave-every", 16, "of how many pairs of operations TestInterleavings takes one")

// TestInterleavings lets every operation be interrupted before each of its
// calls to the table by every other one, and by the sweeper. Whatever comes in
// between, the two come to what one after the other would have come to, the
// records agree, no blob is lost and none stays.
func TestInterleavings(t *testing.T) {
	p := plant(t)
	pairs, rows := rand.IntN(*interleaveEvery), 0
	for _, name := range slices.Sorted(maps.Keys(intruders(p))) {
		for _, intruder := range slices.Sorted(maps.Keys(intruders(p))) {
			if changesInTwo[name] != nil {
				continue // what comes in between would come in between the two
			}
			if pairs++; pairs%*interleaveEvery != 0 {
				continue
			}
			t.Run(name+", meanwhile "+intruder, func(t *testing.T) {
				first, second := intruders(p)[name], intruders(p)[intruder]
				givesUp := slices.Contains(uploads, name)
				rows += interleave(t, p, first, second, "s", givesUp)
				if name == intruder && operations[name] != nil {
					rows += interleave(t, p, first, second, "r", givesUp) // the same request, twice at once
				}
			})
		}
	}
	t.Logf("%d interleavings of two requests", rows)
}

// uploads are two operations each: finding the folder, and acting on it.
var uploads = []string{
	"begin and commit a new file", "begin and commit a revision", "create only", "overwrite only", "write by id",
	"write as child", "create in target", "late commit",
}

// interleave interrupts one operation by another at each of its calls, which
// reaches the table through the same process and through another one. One that
// gives up may be refused since what it had found first is gone, or since it
// has taken too long; it has then changed nothing.
func interleave(t *testing.T, p plot, first, second operation, id string, givesUp bool) (rows int) {
	t.Helper()
	allowed := []outcome{
		inOrder(t, p, first, second, "r", id),
		swapped(inOrder(t, p, second, first, id, "r")),
	}
	refused := alone(t, p, second, id)
	for _, sameProcess := range []bool{false, true} {
		for at := 1; ; at++ {
			w := p.world(t)
			struck, early, late := interrupt(w, p.tree, at, sameProcess, first, second, id)
			if !struck {
				break
			}
			rows++
			got := outcome{first: reasonOf(early), second: reasonOf(late)}
			got.state = settled(w)
			tooLate := got.first == errorsv1.Reason_REASON_NOT_FOUND || got.first == errorsv1.Reason_REASON_EXPIRED
			if !slices.Contains(allowed, got) && (!givesUp || !tooLate || got.state != refused) {
				t.Errorf("at call %d, same process %v:\n%v\nwant one of\n%v\n%v", at, sameProcess, got, allowed[0], allowed[1])
			}
			w.audit()
			if !sameProcess {
				w.sweepAll()
				w.audit()
			}
			if t.Failed() {
				t.Fatalf("at call %d, same process %v", at, sameProcess)
			}
		}
	}
	return rows
}

// interrupt carries an operation out as request "r", and before one of its calls to
// the table another, through the same process or another one. It reports whether
// there were so many calls.
func interrupt(
	w *world, tree planted, at int, sameProcess bool, first, second operation, id string,
) (struck bool, early, late error) {
	paused := &pausedTable{Table: w.table}
	interrupted := w.beside(w.ctx, paused)
	other := w
	if sameProcess {
		other = interrupted
	}
	paused.then = func() {
		struck = true
		late = second(other, tree, id)
	}
	paused.calls.Store(0)
	paused.at = at
	early = first(interrupted, tree, "r")
	return struck, early, late
}

func inOrder(t *testing.T, p plot, first, second operation, id, then string) outcome {
	t.Helper()
	w := p.world(t)
	o := outcome{first: reasonOf(first(w, p.tree, id)), second: reasonOf(second(w, p.tree, then))}
	o.state = settled(w)
	return o
}

// settled shows what there is once the sweeper has done what is due after the
// grace: a request that took a month may have filled the trash with what is to
// leave it by now, or a folder that is gone.
func settled(w *world) string {
	if err := w.sweepOnce(11 * time.Minute); err != nil {
		return err.Error()
	}
	return dump(w)
}

func alone(t *testing.T, p plot, operate operation, id string) string {
	t.Helper()
	w := p.world(t)
	_ = operate(w, p.tree, id)
	return settled(w)
}

func swapped(o outcome) outcome {
	o.first, o.second = o.second, o.first
	return o
}

func reasonOf(err error) errorsv1.Reason {
	if err == nil {
		return errorsv1.Reason_REASON_UNSPECIFIED
	}
	return fault.ReasonOf(err)
}
