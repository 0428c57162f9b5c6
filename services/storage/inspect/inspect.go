// Package inspect compares what the ledger's records say with the blobs that
// there are: the checks of fsck that take both sides. It runs beside a live
// service. What it suspects it looks at again before it tells, since uploads,
// purges and sweeps go on meanwhile.
//
// It holds 25 bytes of memory per blob, and a little per suspect: 250 MB for
// ten million blobs. Beyond some tens of millions the listing would have to be
// sorted on disk.
package inspect

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Config is what an Inspector needs. Zero fields but the first two have
// defaults.
type Config struct {
	Blobs  blob.Store
	Ledger ledgerv1.LedgerServiceClient
	// Logger gets what a repair has deleted; slog.Default() when nil.
	Logger *slog.Logger
	// OrphanGrace is the age from which a repair may delete a blob that has no
	// record, counted from when its id was minted: 48 h when 0, longer than
	// any upload takes.
	OrphanGrace time.Duration
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Inspector inspects. It is safe for concurrent use.
type Inspector struct {
	blobs  blob.Store
	ledger ledgerv1.LedgerServiceClient
	logger *slog.Logger
	grace  time.Duration
	now    func() time.Time
}

// New returns an inspector.
func New(cfg Config) *Inspector {
	in := &Inspector{blobs: cfg.Blobs, ledger: cfg.Ledger, logger: cfg.Logger, grace: cfg.OrphanGrace, now: cfg.Now}
	if in.logger == nil {
		in.logger = slog.Default()
	}
	if in.grace == 0 {
		in.grace = 48 * time.Hour
	}
	if in.now == nil {
		in.now = time.Now
	}
	return in
}

// Inspect reports what is wrong, calling report for each finding, and returns
// the summary. Unless req asks for repair it changes nothing.
//
// First it lists the blobs, then it walks the records and marks the blobs that
// they refer to; with req.Deep it reads each revision and compares the SHA-256.
// Blobs that are missing or short are told when a second walk finds the record
// still there and the bytes still not; blobs without a record, when they are
// older than the inspection and two walks or more came upon none. Counters of
// quotas that differ from what the records hold are told when two walks found
// the same difference and nothing else has changed in the space meanwhile.
//
// A repair lets the ledger mend its records and deletes blobs without a record,
// once they are older than OrphanGrace; none at all when a record could not be
// read or there is no revision, since then nobody knows what is referred to, and
// none when a blob is damaged, as its bytes may be there under another's id.
//
// Errors: those of the store, the ledger and report, which end the inspection.
func (in *Inspector) Inspect(ctx context.Context, req *ledgerv1.InspectRequest, report func(*ledgerv1.Finding) error) (*ledgerv1.InspectSummary, error) {
	run := &inspection{Inspector: in, deep: req.GetDeep(), repair: req.GetRepair(), report: report, start: in.now()}
	if err := run.list(ctx); err != nil {
		return nil, fmt.Errorf("listing blobs: %w", err)
	}
	if err := run.walk(ctx); err != nil {
		return nil, err
	}
	if err := run.confirmAll(ctx); err != nil {
		return nil, err
	}
	if err := run.usage(ctx); err != nil {
		return nil, err
	}
	if err := run.orphans(ctx); err != nil {
		return nil, err
	}
	return &run.summary, nil
}

// inspection is one run of an Inspector.
type inspection struct {
	*Inspector
	deep, repair bool
	report       func(*ledgerv1.Finding) error
	start        time.Time
	summary      ledgerv1.InspectSummary

	blobs    catalog
	tallies  []*tally // of each walk
	suspects map[suspect]struct{}
	// unreadable tells that a record could not be read, so that the references
	// are not all known.
	unreadable bool
	// damaged tells that the store did not give a blob.
	damaged bool
}

func (r *inspection) list(ctx context.Context) error {
	err := r.Inspector.blobs.List(ctx, func(b blob.Info) error {
		r.blobs.add(b)
		return nil
	})
	r.blobs.sort()
	r.summary.BlobCount = int64(r.blobs.len())
	return err
}

// confirmAll walks again for what the first walk suspects, and goes on for as
// long as a walk finds references that those before have missed.
func (r *inspection) confirmAll(ctx context.Context) error {
	const maxWalks = 5
	lonely := r.countLonely()
	for range maxWalks {
		if lonely == 0 && len(r.suspects) == 0 {
			return nil
		}
		if err := r.walkAgain(ctx); err != nil {
			return err
		}
		r.suspects = nil // told or cleared
		before := lonely
		if lonely = r.countLonely(); lonely == before {
			return nil
		}
	}
	return nil
}

func (r *inspection) tell(kind ledgerv1.Finding_Kind, name, format string, args ...any) error {
	return r.pass(&ledgerv1.Finding{Kind: kind, Name: name, Detail: fmt.Sprintf(format, args...)})
}

func (r *inspection) pass(f *ledgerv1.Finding) error {
	r.summary.FindingCount++
	return r.report(f)
}
