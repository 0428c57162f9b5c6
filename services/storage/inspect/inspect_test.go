package inspect_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/content"
	"github.com/holdfast-files/holdfast/services/storage/inspect"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

type world struct {
	tb        testing.TB
	store     *faultblob.Store
	ledger    *ledgertest.Ledger
	engine    *content.Engine
	inspector *inspect.Inspector
}

func newWorld(tb testing.TB) *world {
	store := faultblob.New(tb)
	ledger := ledgertest.New(tb, store)
	quiet := slog.New(slog.DiscardHandler)
	return &world{
		tb: tb, store: store, ledger: ledger,
		engine:    content.New(content.Config{Blobs: store, Ledger: ledger.Client(nil), Logger: quiet}),
		inspector: inspect.New(inspect.Config{Blobs: store, Ledger: ledger.Client(nil), Logger: quiet}),
	}
}

func (w *world) upload(path string, n int) {
	w.tb.Helper()
	spec := &storagev1.UploadSpec{Target: &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Path: path}}}
	if _, err := w.engine.Upload(context.Background(), spec, bytes.NewReader(bytes.Repeat([]byte(path), n))); err != nil {
		w.tb.Error(err)
	}
}

// inspect returns the kinds of the findings, in order, and the summary.
func (w *world) inspect(req *ledgerv1.InspectRequest) ([]*ledgerv1.Finding, *ledgerv1.InspectSummary) {
	w.tb.Helper()
	var findings []*ledgerv1.Finding
	summary, err := w.inspector.Inspect(context.Background(), req, func(f *ledgerv1.Finding) error {
		findings = append(findings, f)
		return nil
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	if int(summary.GetFindingCount()) != len(findings) {
		w.tb.Errorf("the summary counts %d findings, %d were told", summary.GetFindingCount(), len(findings))
	}
	return findings, summary
}

func kinds(findings []*ledgerv1.Finding) []ledgerv1.Finding_Kind {
	var k []ledgerv1.Finding_Kind
	for _, f := range findings {
		k = append(k, f.GetKind())
	}
	slices.Sort(k)
	return k
}

// mintedAgo returns the id of a blob that was begun some time ago.
func mintedAgo(age time.Duration) blob.ID {
	id := uuid.Must(uuid.NewV7())
	ms := time.Now().Add(-age).UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id
}

func TestSound(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/a", "/b", "/c"} {
		w.upload(path, 1000)
	}
	w.upload("/empty", 0)
	w.upload("/a", 10) // another revision
	w.ledger.Split("/b", 1, 999, 1000)
	w.ledger.AddJob(0, mintedAgo(time.Hour)) // whose blob is gone already
	findings, summary := w.inspect(&ledgerv1.InspectRequest{Deep: true})
	if len(findings) != 0 {
		t.Errorf("findings %v", findings)
	}
	if summary.GetBlobCount() != 4 || summary.GetRevisionCount() != 5 || summary.GetPendingCount() != 1 ||
		summary.GetRecordCount() != 6 || summary.GetVerifiedBytes() != 3*2000+20 {
		t.Errorf("summary %v", summary)
	}
}

// damages are of each kind that an inspection finds, with what is told of them.
var damages = []struct {
	name   string
	damage func(w *world, id blob.ID)
	fast   []ledgerv1.Finding_Kind
	deep   []ledgerv1.Finding_Kind
}{
	{
		name:   "missing",
		damage: func(w *world, id blob.ID) { w.store.Lose(id) },
		fast:   []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_MISSING},
		deep:   []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_MISSING},
	},
	{
		name:   "short",
		damage: func(w *world, id blob.ID) { w.store.Damage(id, func(b []byte) []byte { return b[:len(b)-1] }) },
		fast:   []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_SHORT},
		deep:   []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_SHORT},
	},
	{
		name: "a wrong byte",
		damage: func(w *world, id blob.ID) {
			w.store.Damage(id, func(b []byte) []byte { b[7]++; return b })
		},
		deep: []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_CORRUPT},
	},
	{
		name: "a checksum of the store fails",
		damage: func(w *world, id blob.ID) {
			w.store.Fault = func(op faultblob.Op, other blob.ID) faultblob.Fault {
				if op != faultblob.Read || other != id {
					return faultblob.Fault{}
				}
				return faultblob.Fault{Err: fault.New(errorsv1.Reason_REASON_DATA_LOSS, "crc"), After: 1}
			}
		},
		deep: []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_CORRUPT},
	},
	{
		name: "cut, and the store gives none of it",
		damage: func(w *world, id blob.ID) {
			w.store.Damage(id, func(b []byte) []byte { return b[:10] })
			w.store.Fault = func(op faultblob.Op, other blob.ID) faultblob.Fault {
				if op != faultblob.Read || other != id {
					return faultblob.Fault{}
				}
				return faultblob.Fault{Err: fault.New(errorsv1.Reason_REASON_DATA_LOSS, "short")}
			}
		},
		fast: []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_CORRUPT},
		deep: []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_CORRUPT},
	},
	{
		name:   "orphan",
		damage: func(w *world, _ blob.ID) { w.store.Put(mintedAgo(time.Hour), []byte("lost")) },
		fast:   []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_ORPHAN},
		deep:   []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_ORPHAN},
	},
	{
		name: "an orphan that the store does not give",
		damage: func(w *world, _ blob.ID) {
			orphan := mintedAgo(time.Hour)
			w.store.Put(orphan, []byte("lost"))
			w.store.Put(mintedAgo(time.Hour), []byte("lost too"))
			w.store.Fault = unreadable(orphan)
		},
		fast: []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_CORRUPT, ledgerv1.Finding_BLOB_ORPHAN},
		deep: []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_CORRUPT, ledgerv1.Finding_BLOB_ORPHAN},
	},
	{
		name:   "the record is gone",
		damage: func(w *world, _ blob.ID) { w.ledger.Forget("/a") },
		fast:   []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_ORPHAN},
		deep:   []ledgerv1.Finding_Kind{ledgerv1.Finding_BLOB_ORPHAN},
	},
	{
		name: "extents shorter than the revision",
		damage: func(w *world, _ blob.ID) {
			w.ledger.Split("/a", 5)
		},
		fast: []ledgerv1.Finding_Kind{ledgerv1.Finding_RECORD_CORRUPT},
		deep: []ledgerv1.Finding_Kind{ledgerv1.Finding_RECORD_CORRUPT},
	},
	{
		name: "what the ledger finds",
		damage: func(w *world, _ blob.ID) {
			w.ledger.Findings = []*ledgerv1.Finding{{Kind: ledgerv1.Finding_ENTRY_MISMATCH}, {Kind: ledgerv1.Finding_TRASH_MISMATCH}}
		},
		fast: []ledgerv1.Finding_Kind{ledgerv1.Finding_ENTRY_MISMATCH, ledgerv1.Finding_TRASH_MISMATCH},
		deep: []ledgerv1.Finding_Kind{ledgerv1.Finding_ENTRY_MISMATCH, ledgerv1.Finding_TRASH_MISMATCH},
	},
	{
		name: "a counter is wrong",
		damage: func(w *world, _ blob.ID) {
			w.ledger.Held = &ledgerv1.Usage{Space: "s", Bytes: 10, Files: 1}
			w.ledger.Counted = &ledgerv1.Usage{Space: "s", Bytes: 10, Files: 2}
		},
		fast: []ledgerv1.Finding_Kind{ledgerv1.Finding_USAGE_DRIFT},
		deep: []ledgerv1.Finding_Kind{ledgerv1.Finding_USAGE_DRIFT},
	},
}

// A finding of a kind that no damage shows is one that may never be told. Those of
// records are the ledger's, which has a test like this.
func TestEveryKindOfFindingIsTold(t *testing.T) {
	told := map[ledgerv1.Finding_Kind]bool{}
	for _, c := range damages {
		for _, kind := range c.deep {
			told[kind] = true
		}
	}
	for number, name := range ledgerv1.Finding_Kind_name {
		inspected := strings.HasPrefix(name, "BLOB_") || strings.HasPrefix(name, "USAGE_")
		if inspected && !told[ledgerv1.Finding_Kind(number)] {
			t.Errorf("there is no damage that is told as %s", name)
		}
	}
}

// TestDamage plants each kind of damage and wants it found, and nothing else.
func TestDamage(t *testing.T) {
	for _, c := range damages {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.upload("/a", 1000)
			w.upload("/b", 1000)
			c.damage(w, w.ledger.Blob("/a"))
			blobs := w.store.IDs()
			if got, _ := w.inspect(&ledgerv1.InspectRequest{}); !slices.Equal(kinds(got), c.fast) {
				t.Errorf("fast: %v, want %v", got, c.fast)
			}
			if got, _ := w.inspect(&ledgerv1.InspectRequest{Deep: true}); !slices.Equal(kinds(got), c.deep) {
				t.Errorf("deep: %v, want %v", got, c.deep)
			}
			if !slices.Equal(blobs, w.store.IDs()) {
				t.Error("an inspection without repair changed the blobs")
			}
		})
	}
}

// TestRepair deletes a blob without a record when that is safe, and never else.
func TestRepair(t *testing.T) {
	old := mintedAgo(49 * time.Hour)
	cases := []struct {
		name   string
		orphan blob.ID
		change func(w *world)
		gone   bool
	}{
		{name: "old", orphan: old, gone: true},
		{name: "within its grace", orphan: mintedAgo(47 * time.Hour)},
		{name: "of an id without a time", orphan: uuid.New()},
		{name: "a record is unreadable", orphan: old, change: func(w *world) {
			w.ledger.Findings = []*ledgerv1.Finding{{Kind: ledgerv1.Finding_RECORD_CORRUPT}}
		}},
		{name: "a job has no blob id", orphan: old, change: func(w *world) { w.ledger.AddNonsense() }},
		{name: "a blob is unreadable", orphan: old, change: func(w *world) { w.store.Fault = unreadable(w.ledger.Blob("/a")) }},
		{name: "another orphan is unreadable", orphan: old, change: func(w *world) {
			other := mintedAgo(49 * time.Hour)
			w.store.Put(other, []byte("another's"))
			w.store.Fault = unreadable(other)
		}},
		{name: "another ledger's", orphan: old, change: func(w *world) { w.ledger.Forget("/a") }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.upload("/a", 10)
			w.store.Put(c.orphan, []byte("lost"))
			if c.change != nil {
				c.change(w)
			}
			findings, _ := w.inspect(&ledgerv1.InspectRequest{Repair: true, Deep: true})
			at := slices.IndexFunc(findings, func(f *ledgerv1.Finding) bool {
				return f.GetKind() == ledgerv1.Finding_BLOB_ORPHAN && f.GetName() == c.orphan.String()
			})
			if at < 0 {
				t.Fatalf("not found: %v", findings)
			}
			if f := findings[at]; f.GetRepaired() != c.gone || strings.Contains(f.GetDetail(), "not deleted") == c.gone {
				t.Errorf("finding %v", f)
			}
			if slices.Contains(w.store.IDs(), c.orphan) == c.gone {
				t.Errorf("gone = %v, want %v", !c.gone, c.gone)
			}
		})
	}
}

// TestErrors holds that an inspection that cannot look tells so, rather than
// what it has not seen.
func TestErrors(t *testing.T) {
	down := fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "down")
	own := errors.New("the caller's own")
	for name, c := range map[string]struct {
		op     faultblob.Op
		method string
		report error
	}{
		"list":   {op: faultblob.List},
		"read":   {op: faultblob.Read},
		"audit":  {method: "Audit"},
		"report": {report: own},
	} {
		w := newWorld(t)
		w.upload("/a", 10)
		w.store.Lose(w.ledger.Blob("/a"))
		w.store.Fault = func(op faultblob.Op, _ blob.ID) faultblob.Fault {
			if op != c.op {
				return faultblob.Fault{}
			}
			return faultblob.Fault{Err: down}
		}
		inspector := inspect.New(inspect.Config{Blobs: w.store, Ledger: w.ledger.Client(func(method string) ledgertest.Fault {
			if method != c.method {
				return ledgertest.Fault{}
			}
			return ledgertest.Fault{Err: down}
		})})
		_, err := inspector.Inspect(t.Context(), &ledgerv1.InspectRequest{}, func(*ledgerv1.Finding) error { return c.report })
		if want := cmpErr(c.report, down); !errors.Is(err, want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func cmpErr(err error, fallback error) error {
	if err != nil {
		return err
	}
	return fallback
}
