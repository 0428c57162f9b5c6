package namespace_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/memtable"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// aimedTable has the next charges go to counters that a test names, and not to
// those that chance would take, and tells of each read of a counter.
type aimedTable struct {
	table.Table
	mu   sync.Mutex
	next []int
	// around, if not nil, carries the read of a counter out.
	around func(key table.Key, read func())
	reads  atomic.Int64 // of counters
}

func (a *aimedTable) aim(counters ...int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = counters
}

func (a *aimedTable) Commit(ctx context.Context, writes []table.Write) error {
	writes = slices.Clone(writes)
	a.mu.Lock()
	for i, w := range writes {
		if w.Op == table.OpAdd && strings.HasPrefix(w.Item.Key.Partition, "Q#") && len(a.next) > 0 {
			writes[i].Item.Key = record.Usage(testSpace, a.next[0])
			a.next = a.next[1:]
		}
	}
	a.mu.Unlock()
	return a.Table.Commit(ctx, writes)
}

func (a *aimedTable) Get(ctx context.Context, key table.Key) (item table.Item, err error) {
	read := func() { item, err = a.Table.Get(ctx, key) }
	if kind, _ := record.KindOf(key); kind != record.KindUsage {
		read()
		return item, err
	}
	a.reads.Add(1)
	if a.around == nil {
		read()
	} else {
		a.around(key, read)
	}
	return item, err
}

// Counters: one that is given back to, one that is taken from, and one that is full.
const given, taken, full = 5, 40, 7

// between lets others do something between two reads of each look at the counters:
// after that of the one, and before that of the other. It happens once, and happened
// tells when it has.
func (a *aimedTable) between(do func()) (happened chan struct{}) {
	happened = make(chan struct{})
	once := sync.OnceFunc(func() {
		defer close(happened)
		do()
	})
	a.around = func(key table.Key, read func()) {
		switch key {
		case record.Usage(testSpace, given):
			read()
			once()
		case record.Usage(testSpace, taken):
			<-happened
			read()
		default:
			read()
		}
	}
	return happened
}

// crowd is two processes, of which one is interfered with by the other.
type crowd struct {
	*world
	others      *world
	own, theirs *aimedTable
}

func newCrowd(t *testing.T, quota *metadatav1.SpaceQuota) crowd {
	t.Helper()
	c := &clock{now: plantTime}
	store := memtable.New(c.Now)
	own, theirs := &aimedTable{Table: store}, &aimedTable{Table: store}
	w := crowd{openWorld(t, own, c), openWorld(t, theirs, c), own, theirs}
	w.setQuota(quota)
	return w
}

// newNearlyFull returns a crowd whose space has room for one more file, which the
// counter has that is taken from.
func newNearlyFull(t *testing.T) crowd {
	t.Helper()
	const most = 100
	w := newCrowd(t, &metadatav1.SpaceQuota{MaxFileCount: most})
	for i := range most {
		if k := i % record.UsageShards; k != taken {
			w.theirs.aim(k)
			w.others.put(fmt.Sprintf("/f%d", i), "")
		}
	}
	w.wantUsage(0, most-1)
	w.own.reads.Store(0)
	return w
}

// swap purges a file of the others and puts another in its place.
func (w crowd) swap(purged *metadatav1.File, content string) {
	w.t.Helper()
	w.theirs.aim(given)
	if _, err := w.others.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: purged.GetName()}); err != nil {
		w.t.Error(err)
	}
	w.theirs.aim(taken)
	if _, err := w.others.upload(sized("/theirs", content), content); err != nil {
		w.t.Error(err)
	}
}

func sized(path, content string) *storagev1.UploadSpec {
	spec := atPath(path)
	spec.SizeBytes = proto.Int64(int64(len(content)))
	return spec
}

// A space that had room at every moment refuses nobody, although others take from
// one counter what was given back to another, which was looked at before.
func TestQuotaIsOfOneMoment(t *testing.T) {
	for name, upload := range map[string]func(w crowd, race func()) error{
		"begin": func(w crowd, race func()) error {
			race()
			_, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/new")})
			return err
		},
		"commit": func(w crowd, race func()) error {
			begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/new")})
			if err != nil {
				return err
			}
			race()
			w.own.aim(full)
			_, err = w.Commit(w.ctx, w.store(begun, ""))
			return err
		},
		"reservation": func(w crowd, race func()) error {
			race()
			w.own.aim(full)
			_, err := w.world.open(toPath("/new"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newNearlyFull(t)
			purged := w.others.delete(w.others.must("/f0"))
			var happened chan struct{}
			err := upload(w, func() { happened = w.own.between(func() { w.swap(purged, "") }) })
			if err != nil {
				t.Errorf("there was room for a file at every moment: %v", err)
			}
			select {
			case <-happened:
			default:
				t.Error("nothing came in between")
			}
			w.own.around = nil
			w.auditUsage()
		})
	}
}

// How long storage is told that contents may become is what there was room for at
// one moment, too.
func TestQuotaBoundIsOfOneMoment(t *testing.T) {
	const each = 100
	w := newCrowd(t, &metadatav1.SpaceQuota{MaxBytes: record.UsageShards * each})
	w.theirs.aim(given)
	content := strings.Repeat("x", each)
	purged := w.others.delete(w.others.put("/purged", content))
	happened := w.own.between(func() { w.swap(purged, content) })
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/new")})
	if err != nil {
		t.Fatal(err)
	}
	<-happened
	if got, want := begun.GetMaxSizeBytes(), int64((record.UsageShards-1)*each); got < want {
		t.Errorf("storage is told a bound of %d bytes; there was room for %d at every moment", got, want)
	}
}

// A full space refuses as soon as its counters stand still for a moment, which
// takes two looks at them when nothing changes, and soon enough when they never do.
func TestFullQuotaAmongChanges(t *testing.T) {
	for name, test := range map[string]struct {
		changes int64
		want    errorsv1.Reason
		looks   int64
	}{
		"none":      {0, errorsv1.Reason_REASON_QUOTA_EXCEEDED, 2},
		"some":      {3, errorsv1.Reason_REASON_QUOTA_EXCEEDED, 5},
		"all along": {1 << 30, errorsv1.Reason_REASON_QUOTA_EXCEEDED, 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newNearlyFull(t)
				w.theirs.aim(taken)
				w.others.put("/last", "")
				w.stir(test.changes)
				_, err := w.world.open(toPath("/new"))
				wantReason(t, "in a full space", err, test.want)
				if got, want := w.own.reads.Load(), test.looks*record.UsageShards; got != want {
					t.Errorf("%d counters were read, want %d", got, want)
				}
			})
		})
	}
}

// stir has the others change a counter at each look, so many times.
func (w crowd) stir(changes int64) {
	made := int64(0)
	w.own.around = func(key table.Key, read func()) {
		read()
		if key == record.Usage(testSpace, given) && made < changes {
			made++
			w.theirs.aim(given)
			w.others.mkdir(root, fmt.Sprint(made)) // it counts as an arrival
		}
	}
}

// An upload of unknown length into a space with room is let in after a few looks,
// however busy the space is.
func TestUnknownLengthAmongChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 100
		w := newCrowd(t, &metadatav1.SpaceQuota{MaxBytes: record.UsageShards * each})
		w.own.reads.Store(0)
		w.stir(1 << 30)
		begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/new")})
		if err != nil || begun.GetMaxSizeBytes() != record.UsageShards*each {
			t.Errorf("got %v, %v; want a bound of %d bytes", begun, err, record.UsageShards*each)
		}
		if got, want := w.own.reads.Load(), int64(3*record.UsageShards); got != want {
			t.Errorf("%d counters were read, want %d", got, want)
		}
	})
}
