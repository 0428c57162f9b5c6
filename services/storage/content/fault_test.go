package content_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

// how a step goes wrong.
type how struct {
	name    string
	reason  errorsv1.Reason // of the error; 0 for none
	happens bool            // takes effect all the same
	late    int             // takes effect after so many deletes, when it seems to be over
	cancel  bool            // the client goes away at this moment
	times   int             // how often; 0 means always
	kill    bool            // nothing that comes after has any effect
	after   int64           // bytes that a failing create has read
}

const (
	unavailable = errorsv1.Reason_REASON_UNAVAILABLE
	cancelled   = errorsv1.Reason_REASON_CANCELLED
	refused     = errorsv1.Reason_REASON_PRECONDITION_FAILED
)

var (
	lost         = how{name: "lost", reason: unavailable}
	lostOnce     = how{name: "lost once", reason: unavailable, times: 1}
	errored      = how{name: "happened but errored", reason: unavailable, happens: true}
	erroredOnce  = how{name: "happened but errored once", reason: unavailable, happens: true, times: 1}
	slowOnce     = how{name: "happened but timed out once", reason: errorsv1.Reason_REASON_DEADLINE_EXCEEDED, happens: true, times: 1}
	left         = how{name: "client left", cancel: true}
	leftLost     = how{name: "cancelled", reason: cancelled, cancel: true}
	leftErrored  = how{name: "cancelled but happened", reason: cancelled, cancel: true, happens: true}
	killedBefore = how{name: "killed before", reason: unavailable, kill: true}
	killedAfter  = how{name: "killed after", reason: unavailable, happens: true, kill: true}
	late         = how{name: "late", reason: unavailable, late: 1}
	later        = how{name: "later", reason: unavailable, late: 2} // than the sweeper
	full         = how{name: "full halfway", reason: errorsv1.Reason_REASON_STORAGE_FULL, after: 1000}
	refusal      = how{name: "refused", reason: refused}
	internalErr  = how{name: "internal", reason: errorsv1.Reason_REASON_INTERNAL}
)

type step string

const (
	begin   step = "Begin"
	create  step = "create"
	remove  step = "delete"
	extend  step = "Extend"
	commit  step = "Commit"
	abandon step = "Abandon"
)

type mishap struct {
	step step
	how  how
}

// rows are what goes wrong, one mishap or two that meet.
func rows() [][]mishap {
	var all [][]mishap
	for s, hows := range map[step][]how{
		begin:  {lost, errored, left, leftLost, leftErrored, killedBefore, killedAfter, refusal},
		create: {lost, errored, late, later, full, left, leftLost, leftErrored, killedBefore, killedAfter, internalErr},
		extend: {lost, lostOnce, errored, erroredOnce, left, leftLost, leftErrored, killedBefore, killedAfter, refusal},
		commit: {lost, lostOnce, errored, erroredOnce, slowOnce, left, leftLost, leftErrored, killedBefore, killedAfter, refusal, internalErr},
	} {
		for _, h := range hows {
			all = append(all, []mishap{{s, h}})
		}
	}
	for _, first := range []mishap{{create, full}, {create, errored}, {create, leftLost}, {commit, lost}, {commit, errored}, {commit, refusal}} {
		for _, h := range []how{lost, errored, leftLost, killedBefore, killedAfter} {
			all = append(all, []mishap{first, {abandon, h}})
			if first.step == create {
				all = append(all, []mishap{first, {remove, h}})
			}
		}
	}
	slices.SortFunc(all, func(a, b []mishap) int { return strings.Compare(name(a), name(b)) })
	return all
}

func name(row []mishap) string {
	var parts []string
	for _, m := range row {
		parts = append(parts, fmt.Sprintf("%s %s", m.step, m.how.name))
	}
	return strings.Join(parts, ", ")
}

// gremlin makes the mishaps of a row happen.
type gremlin struct {
	row    []mishap
	seen   map[step]int
	cancel context.CancelFunc
	dead   bool
	done   bool // the row is over and all goes well
}

func (g *gremlin) at(s step) how {
	if g.done {
		return how{}
	}
	if g.dead {
		return lost
	}
	g.seen[s]++
	for _, m := range g.row {
		if m.step != s || m.how.times != 0 && g.seen[s] > m.how.times {
			continue
		}
		g.dead = g.dead || m.how.kill
		if m.how.cancel {
			g.cancel()
		}
		return m.how
	}
	return how{}
}

func (g *gremlin) ledger(method string) ledgertest.Fault {
	h := g.at(step(method))
	return ledgertest.Fault{Err: h.err(), Happens: h.happens}
}

func (g *gremlin) blob(op faultblob.Op, _ blob.ID) faultblob.Fault {
	h := g.at(step(op))
	return faultblob.Fault{Err: h.err(), Happens: h.happens, Late: h.late, After: h.after}
}

func (h how) err() error {
	if h.reason == 0 {
		return nil
	}
	return fault.New(h.reason, "%s", h.name)
}

// TestUploadFaults lets each step of an upload go wrong in each way. Whatever
// happens, nothing is visible without its bytes, nothing acknowledged is lost,
// every blob has a record, the sweeper leaves none behind, and a repetition
// comes to what one upload would have come to.
func TestUploadFaults(t *testing.T) {
	sizes := map[string]int{"empty": 0, "small": 5000, "head": 100_000, "large": largestBlob + 70_001}
	count := 0
	bodies := map[string][]byte{}
	for name, size := range sizes {
		bodies[name] = random(size, 7)
	}
	for _, row := range rows() {
		for sizeName, body := range bodies {
			for _, overwrite := range []bool{false, true} {
				for _, known := range []bool{true, false} {
					if overwrite && !known {
						continue // what these two change does not meet
					}
					count++
					t.Run(fmt.Sprintf("%s/%s overwrite=%v known=%v", name(row), sizeName, overwrite, known), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { testUploadFault(t, row, body, overwrite, known) })
					})
				}
			}
		}
	}
	t.Logf("%d rows", count)
}

func testUploadFault(t *testing.T, row []mishap, data []byte, overwrite, known bool) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g := &gremlin{row: row, seen: map[step]int{}, cancel: cancel, done: true}
	w := newWorld(t, g.ledger)
	w.store.Fault = g.blob
	before := 0
	if overwrite {
		before = 1
		if _, err := w.upload(t.Context(), "/a", random(300, 1)); err != nil {
			t.Fatalf("first upload: %v", err)
		}
	}
	first, _ := w.ledger.File("/a")

	g.done = false
	resp, err := w.engine.Upload(ctx, repeatable(data, known), bytes.NewReader(data))
	g.done = true

	w.ledger.Check()
	node, revisions := w.ledger.File("/a")
	visible := revisions > before
	switch {
	case err == nil && !visible:
		t.Error("acknowledged but not visible")
	case err == nil && resp.GetFile().GetSha256() != hex.EncodeToString(sum(data)):
		t.Errorf("acknowledged with SHA-256 %s", resp.GetFile().GetSha256())
	case err == nil && resp.GetCreated() == overwrite:
		t.Errorf("created = %v", resp.GetCreated())
	case err != nil && visible && !mayHappen(row):
		t.Errorf("visible after %v", err)
	case err != nil && !visible && node.GetRevision() != first.GetRevision():
		t.Errorf("the old revision changed after %v", err)
	}
	if want, got := wantsSuccess(row, len(data)), err == nil; want != got {
		t.Errorf("success = %v, want %v: %v", got, want, err)
	}
	if err != nil && fault.ReasonOf(err) != wantReason(row) {
		t.Errorf("reason = %v, want %v: %v", fault.ReasonOf(err), wantReason(row), err)
	}

	again, err := w.engine.Upload(t.Context(), repeatable(data, known), bytes.NewReader(data))
	if err != nil {
		t.Fatalf("repetition: %v", err)
	}
	w.ledger.Check()
	node, revisions = w.ledger.File("/a")
	if revisions != before+1 {
		t.Errorf("%d revisions after a repetition, want %d", revisions, before+1)
	}
	if again.GetFile().GetRevision() != node.GetRevision() || again.GetCreated() == overwrite {
		t.Errorf("the repetition says %v", again)
	}
	if resp != nil && resp.GetFile().GetRevision() != again.GetFile().GetRevision() {
		t.Error("the repetition has another outcome")
	}
	w.sweepAll(t)
	if got, want := len(w.store.IDs()), before+(len(data)+largestBlob-1)/largestBlob; got != want {
		t.Errorf("%d blobs are left, want %d", got, want)
	}
	if _, got, err := w.download(t.Context(), pathRequest("/a")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("download of %d bytes: %d bytes, %v", len(data), len(got), err)
	}
}

func repeatable(data []byte, known bool) *storagev1.UploadSpec {
	spec := specFor("/a")
	spec.RequestId = "once"
	if known {
		size := int64(len(data))
		spec.SizeBytes, spec.Sha256 = &size, sum(data)
	}
	return spec
}

// mayHappen reports whether a row can commit without saying so.
func mayHappen(row []mishap) bool {
	return slices.ContainsFunc(row, func(m mishap) bool { return m.step == commit && m.how.happens })
}

// wantsSuccess reports whether an upload is to survive a row.
func wantsSuccess(row []mishap, size int) bool {
	m := row[0]
	switch {
	case m.step == create && size == 0:
		return true // empty contents need no blob
	case m.step == extend:
		return size <= largestBlob || m.how.times == 1
	case m.step == commit:
		return m.how.times == 1 || m.how.name == left.name
	}
	return false
}

// wantReason returns why an upload fails that does.
func wantReason(row []mishap) errorsv1.Reason {
	m := row[0]
	if m.how.cancel {
		return cancelled
	}
	return m.how.reason
}

// TestBodyFaults lets the body go wrong: nothing of it may stay.
func TestBodyFaults(t *testing.T) {
	broken := fault.New(errorsv1.Reason_REASON_RATE_LIMITED, "told by the body")
	const size = 3 << 20
	cases := []struct {
		name   string
		change func(*storagev1.UploadSpec)
		cut    int   // bytes that the body yields
		err    error // then; io.EOF when nil
		want   errorsv1.Reason
	}{
		{name: "shorter than announced", cut: size - 1, want: errorsv1.Reason_REASON_INVALID_ARGUMENT},
		{name: "nothing of what was announced", cut: 0, want: errorsv1.Reason_REASON_INVALID_ARGUMENT},
		{name: "longer than announced", cut: size, change: announce(size - 1), want: errorsv1.Reason_REASON_INVALID_ARGUMENT},
		{name: "longer than nothing", cut: size, change: announce(0), want: errorsv1.Reason_REASON_INVALID_ARGUMENT},
		{name: "a small one longer than announced", cut: 500, change: announce(499), want: errorsv1.Reason_REASON_INVALID_ARGUMENT},
		{name: "wrong sha256", cut: size, change: func(s *storagev1.UploadSpec) { s.Sha256 = sum(nil) }, want: errorsv1.Reason_REASON_DIGEST_MISMATCH},
		{name: "wrong sha512", cut: size, change: func(s *storagev1.UploadSpec) { s.Sha512 = make([]byte, 64) }, want: errorsv1.Reason_REASON_DIGEST_MISMATCH},
		{name: "small with wrong sha256", cut: 10, change: func(s *storagev1.UploadSpec) { s.SizeBytes, s.Sha256 = nil, sum(nil) }, want: errorsv1.Reason_REASON_DIGEST_MISMATCH},
		{name: "connection lost", cut: size / 2, err: io.ErrUnexpectedEOF, want: errorsv1.Reason_REASON_INVALID_ARGUMENT},
		{name: "unreadable", cut: size / 2, err: io.ErrClosedPipe, want: cancelled},
		{name: "unreadable from the start", cut: 0, err: io.ErrClosedPipe, want: cancelled},
		{name: "in its own words", cut: size / 2, err: broken, want: errorsv1.Reason_REASON_RATE_LIMITED},
		{name: "in its own words, late and of unknown length", cut: size, change: func(s *storagev1.UploadSpec) { s.SizeBytes = nil }, err: broken, want: errorsv1.Reason_REASON_RATE_LIMITED},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				spec := specFor("/a")
				announce(size)(spec)
				if c.change != nil {
					c.change(spec)
				}
				body := io.Reader(bytes.NewReader(random(c.cut, 2)))
				if c.err != nil {
					body = io.MultiReader(body, failing{c.err})
				}
				if _, err := w.engine.Upload(t.Context(), spec, body); fault.ReasonOf(err) != c.want {
					t.Errorf("got %v, want %v", err, c.want)
				}
				w.ledger.Check()
				if f, _ := w.ledger.File("/a"); f != nil || len(w.store.IDs()) != 0 || w.ledger.Pending() != 0 {
					t.Errorf("left behind: file %v, blobs %v, %d pending", f, w.store.IDs(), w.ledger.Pending())
				}
			})
		})
	}
}

// TestBlobIDUsedTwice has the ledger hand out the id of a blob that exists:
// whosever that is, it must stay.
func TestBlobIDUsedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.store.Fault = func(op faultblob.Op, id blob.ID) faultblob.Fault {
			if op != faultblob.Create {
				return faultblob.Fault{}
			}
			w.store.Put(id, []byte("somebody else's"))
			return faultblob.Fault{Err: blob.ErrExists}
		}
		if _, err := w.upload(t.Context(), "/a", random(10, 1)); !errors.Is(err, fault.Internal) {
			t.Errorf("got %v", err)
		}
		if err := w.sweeper.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		if len(w.store.IDs()) != 1 {
			t.Error("the blob is gone")
		}
	})
}

// TestClientLeavesAtTheEnd lets the client go away with the last byte: what was
// not asked to be committed then is not committed.
func TestClientLeavesAtTheEnd(t *testing.T) {
	for _, size := range []int{0, 10, 3 << 20} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			ctx, cancel := context.WithCancel(t.Context())
			body := io.MultiReader(bytes.NewReader(random(size, 3)), leaving(cancel))
			if _, err := w.engine.Upload(ctx, specFor("/a"), body); fault.ReasonOf(err) != cancelled {
				t.Errorf("%d bytes: got %v", size, err)
			}
			if f, _ := w.ledger.File("/a"); f != nil || len(w.store.IDs()) != 0 || w.ledger.Pending() != 0 {
				t.Errorf("%d bytes left behind: file %v, blobs %v, %d pending", size, f, w.store.IDs(), w.ledger.Pending())
			}
		})
	}
}

type leaving context.CancelFunc

func (l leaving) Read([]byte) (int, error) {
	l()
	return 0, io.EOF
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func announce(n int64) func(*storagev1.UploadSpec) {
	return func(s *storagev1.UploadSpec) { s.SizeBytes = &n }
}
