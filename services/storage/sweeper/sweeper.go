// Package sweeper deletes the blobs that the ledger has no more use for: those
// of uploads that failed or expired, and of revisions that were purged. It also
// computes the digests of contents that nobody has read as a whole. Any
// number of sweepers may run; a job is leased to one of them at a time, and
// one that is carried out twice does no harm.
package sweeper

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"golang.org/x/time/rate"
)

// Config is what a Sweeper needs. Zero fields but the first two have defaults.
type Config struct {
	Blobs  blob.Store
	Ledger ledgerv1.LedgerServiceClient
	// Logger gets what went wrong; slog.Default() when nil.
	Logger *slog.Logger
	// Interval is the time between two looks for work while there is none,
	// spread by half of it in either direction: 30 s when 0.
	Interval time.Duration
	// Parallel is how many jobs are carried out at a time: 4 when 0.
	Parallel int
	// Rate bounds the blobs deleted in a second: 500 when 0. A job that has more
	// than a lease lasts for is done in several.
	Rate float64
	// Lease is how long a job is leased for, and what is not done by then is
	// left for another try: 2 min when 0.
	Lease time.Duration
}

// Sweeper sweeps. It is safe for concurrent use.
type Sweeper struct {
	blobs    blob.Store
	ledger   ledgerv1.LedgerServiceClient
	logger   *slog.Logger
	interval time.Duration
	parallel int
	lease    time.Duration
	pace     *rate.Limiter
	stats    counters
	progress progress
}

const (
	jobsPerClaim  = 100 // the ledger's limit
	ledgerTimeout = 30 * time.Second
	// Failing sweeps are tried less and less often, up to this factor.
	maxBackoff = 16
)

// New returns a sweeper; Run or Sweep makes it work.
func New(cfg Config) *Sweeper {
	s := &Sweeper{
		blobs: cfg.Blobs, ledger: cfg.Ledger, logger: cfg.Logger,
		interval: cfg.Interval, parallel: cfg.Parallel, lease: cfg.Lease,
		progress: progress{last: map[string]string{}},
	}
	if s.logger == nil {
		s.logger = slog.Default()
	}
	if s.interval == 0 {
		s.interval = 30 * time.Second
	}
	if s.parallel == 0 {
		s.parallel = 4
	}
	if s.lease == 0 {
		s.lease = 2 * time.Minute
	}
	if cfg.Rate == 0 {
		cfg.Rate = 500
	}
	s.pace = rate.NewLimiter(rate.Limit(cfg.Rate), s.parallel)
	return s
}

// Run sweeps until ctx ends, and then returns nil. A sweep that fails is
// logged and tried again.
func (s *Sweeper) Run(ctx context.Context) error {
	timer := time.NewTimer(spread(s.interval))
	defer timer.Stop()
	backoff := time.Duration(1)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		switch err := s.Sweep(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			s.logger.WarnContext(ctx, "sweep failed", slog.Any("error", err))
			backoff = min(2*backoff, maxBackoff)
		default:
			backoff = 1
		}
		timer.Reset(spread(backoff * s.interval))
	}
}

// spread keeps the sweepers of many processes from looking at the same moment.
func spread(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // nothing to guess
}
