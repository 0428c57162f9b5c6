// Package ledgertest is a ledger in memory for the tests of storage. It keeps
// the contract of holdfast.ledger.v1 and complains to the test about callers
// that do not: bytes must be there and right before they are committed, and
// gone before a deletion is reported done.
package ledgertest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
)

const (
	intentLife = 24 * time.Hour
	purgeDelay = 24 * time.Hour
	// Grace is after what time blobs are deleted once more that somebody may have
	// been writing.
	Grace = time.Hour
)

// Ledger is the ledger. It is safe for concurrent use.
type Ledger struct {
	ledgerv1.UnimplementedLedgerServiceServer

	// Findings are what an audit reports on its first page.
	Findings []*ledgerv1.Finding
	// Held and Counted are the usage that an audit reports on its first page.
	Held, Counted *ledgerv1.Usage
	// MaxPage bounds the pages of an audit, when not 0.
	MaxPage int
	// BetweenPages, when not nil, is called before each page of an audit but
	// the first.
	BetweenPages func()

	tb    testing.TB
	store *faultblob.Store

	mu       sync.Mutex
	ahead    time.Duration // of the clock
	intents  map[string]*intent
	outcomes map[string]*storagev1.UploadResponse // by grant
	replays  map[string]*ledgerv1.Replay          // by request id
	files    map[string]*file                     // by resource name
	places   map[string]*file                     // by folder and name
	jobs     map[string]*job
	uploads  map[string]*upload // by resource name
	digests  [][]byte           // that finished jobs brought
	fenced   map[string]bool    // blobs that a fenced request may still create
}

type intent struct {
	blob   blob.ID
	more   []blob.ID // that Extend gave
	spec   *storagev1.UploadSpec
	expire time.Time
}

type file struct {
	node      *metadatav1.File
	revisions []*revision // the newest last
}

type revision struct {
	meta    *metadatav1.Revision
	extents []*ledgerv1.Extent
	sha256  []byte
	modify  int64 // seconds
}

type job struct {
	id     string
	blobs  []string
	due    time.Time
	lease  string
	leased time.Time // until then
	again  bool      // once more after the grace, as the blobs may still come to be
	digest *ledgerv1.Digestion

	failures int // to read what follows of the digestion, in a row
}

// New returns an empty ledger whose blobs lie in store. The store is told to
// refuse a blob without an intent.
func New(tb testing.TB, store *faultblob.Store) *Ledger {
	l := &Ledger{
		tb:       tb,
		store:    store,
		intents:  map[string]*intent{},
		outcomes: map[string]*storagev1.UploadResponse{},
		replays:  map[string]*ledgerv1.Replay{},
		files:    map[string]*file{},
		places:   map[string]*file{},
		jobs:     map[string]*job{},
		uploads:  map[string]*upload{},
		fenced:   map[string]bool{},
	}
	store.MayCreate = l.hasIntent
	return l
}

// Now returns the time of the ledger's clock.
func (l *Ledger) Now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now()
}

// Advance puts the clock forward.
func (l *Ledger) Advance(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ahead += d
}

func (l *Ledger) now() time.Time { return time.Now().Add(l.ahead) }

// blobs are all blobs of the intent, in their order.
func (i *intent) blobs() []blob.ID { return append([]blob.ID{i.blob}, i.more...) }

func (l *Ledger) hasIntent(id blob.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, i := range l.intents {
		if slices.Contains(i.blobs(), id) {
			return true
		}
	}
	for _, u := range l.uploads {
		if u.mayCreate(id) {
			return true
		}
	}
	return l.fenced[id.String()]
}

// Purge removes the file at path for good; its blobs follow a day later.
func (l *Ledger) Purge(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.places["/"+path]
	j := &job{id: "work/" + newID(), due: l.now().Add(purgeDelay)}
	for _, r := range f.revisions {
		for _, x := range r.extents {
			j.blobs = append(j.blobs, x.GetBlobId())
		}
	}
	delete(l.places, "/"+path)
	delete(l.files, f.node.GetName())
	if len(j.blobs) != 0 {
		l.jobs[j.id] = j
	}
}

// Forget removes every trace of the file at path, as a defect would.
func (l *Ledger) Forget(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.places["/"+path]
	delete(l.places, "/"+path)
	delete(l.files, f.node.GetName())
}

// File returns the file at path, nil when there is none, and the number of its
// revisions.
func (l *Ledger) File(path string) (*metadatav1.File, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.places["/"+path]
	if f == nil {
		return nil, 0
	}
	return f.node, len(f.revisions)
}

// Blob returns the blob of the current revision of the file at path.
func (l *Ledger) Blob(path string) blob.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.places["/"+path]
	return uuid.MustParse(f.revisions[len(f.revisions)-1].extents[0].GetBlobId())
}

// Pending returns how many intents and jobs there are.
func (l *Ledger) Pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.intents) + len(l.jobs) + len(l.uploads)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func refused(r errorsv1.Reason) error { return fault.New(r, "refused by the ledger") }
