// Package content moves the contents of files between callers and blobs. It
// keeps the order that makes a file whole or absent: leave from the ledger,
// then bytes, then one commit. It knows neither names nor rights, which are the
// ledger's, nor how bytes lie on a disk, which is the blob store's.
package content

import (
	"log/slog"
	"time"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Config is what an Engine needs. Zero fields but the first two have defaults.
type Config struct {
	Blobs  blob.Store
	Ledger ledgerv1.LedgerServiceClient
	// Logger gets what no caller sees: lost bytes, failed cleanups.
	// slog.Default() when nil.
	Logger *slog.Logger

	// UploadMemory bounds the buffers of all uploads in flight together, in
	// bytes: 128 MiB when 0. A quarter of it is for uploads that are announced
	// as small, so that large ones from slow clients never stop them.
	UploadMemory int64
	// StreamMemory is what an upload that is not small is charged, in bytes:
	// 2 MiB when 0. It covers a chunk of gRPC, what is being digested and the
	// buffers of the blob store's Create. One such upload is always let in.
	StreamMemory int64
	// AdmissionTimeout is how long an upload waits for its share of
	// UploadMemory before it is UNAVAILABLE: 1 min when 0.
	AdmissionTimeout time.Duration

	// ExtentTime is how long an extent of a resumable upload may take to arrive
	// before it is cut and made durable: 1 min when 0. It must be well below the
	// ledger's grace.
	ExtentTime time.Duration
	// MinExtent is the size of the first extents of a resumable upload, and below
	// which they are joined, in bytes: 16 MiB when 0.
	MinExtent int64

	// LargestBlob is where the contents of an upload are cut into blobs, in bytes:
	// blob.MaxSize when 0.
	LargestBlob int64

	// LedgerTimeout bounds one call of the ledger: 10 s when 0.
	LedgerTimeout time.Duration
	// CommitTimeout bounds a commit with all its repetitions: 30 s when 0.
	CommitTimeout time.Duration
	// CleanupTimeout bounds what is done after a failed upload: 10 s when 0.
	CleanupTimeout time.Duration
}

// Engine uploads and downloads. It is safe for concurrent use.
type Engine struct {
	blobs  blob.Store
	ledger ledgerv1.LedgerServiceClient
	logger *slog.Logger
	small  *budget
	large  *budget
	stats  counters
	turns  turns

	extentTime     time.Duration
	minExtent      int64
	largestBlob    int64
	streamMemory   int64
	ledgerTimeout  time.Duration
	commitTimeout  time.Duration
	cleanupTimeout time.Duration
}

// New returns an engine on top of cfg.Blobs and cfg.Ledger, which the caller
// keeps and closes.
func New(cfg Config) *Engine {
	e := &Engine{
		blobs:          cfg.Blobs,
		ledger:         cfg.Ledger,
		logger:         cfg.Logger,
		turns:          turns{now: map[string]*turn{}},
		extentTime:     or(cfg.ExtentTime, time.Minute),
		minExtent:      or(cfg.MinExtent, minExtentBytes),
		largestBlob:    or(cfg.LargestBlob, blob.MaxSize),
		streamMemory:   or(cfg.StreamMemory, 2<<20),
		ledgerTimeout:  or(cfg.LedgerTimeout, 10*time.Second),
		commitTimeout:  or(cfg.CommitTimeout, 30*time.Second),
		cleanupTimeout: or(cfg.CleanupTimeout, 10*time.Second),
	}
	if e.logger == nil {
		e.logger = slog.Default()
	}
	memory, patience := or(cfg.UploadMemory, 128<<20), or(cfg.AdmissionTimeout, time.Minute)
	e.small = newBudget(max(memory/4, largestBuffer), &e.stats.buffers, patience)
	e.large = newBudget(max(memory-memory/4, e.streamMemory+appendMemory), &e.stats.buffers, patience)
	return e
}

func or[T int64 | time.Duration](v, fallback T) T {
	if v == 0 {
		return fallback
	}
	return v
}
