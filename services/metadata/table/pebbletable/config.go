package pebbletable

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config says where a table lies and what it may use. Zero values of all but
// Dir mean the defaults.
type Config struct {
	// Dir is the data directory. It is created when there is none, and belongs
	// to the table alone.
	Dir string
	// MustExist makes Open fail where there is no table, rather than make one.
	MustExist bool
	// FS is the file system; by default the operating system's.
	FS vfs.FS
	// Logger is told of what an operator should know; by default nobody is.
	Logger *slog.Logger
	// Clock tells when items expire; by default time.Now.
	Clock func() time.Time

	// CacheBytes is the memory for blocks of data; by default 32 MiB.
	CacheBytes int64
	// MemTableBytes is the memory for writes that only the log has; by default
	// 16 MiB. Up to three times this is in use while commits outrun flushes,
	// what is above twice at the cost of the cache. Opening a table that was
	// not closed reads as much log.
	MemTableBytes uint64
	// ReserveBytes of the disk are kept free: with less, commits are refused
	// with STORAGE_FULL until there is room again. The reserve is for the
	// flushes and compactions of what is committed, and as running into the
	// end of the disk stops the table; by default 64 MiB. What else fills the
	// disk should stop earlier, so that records can still be deleted.
	ReserveBytes uint64
	// PurgeInterval is how often expired items are removed; by default a
	// minute.
	PurgeInterval time.Duration
}

func (c Config) withDefaults() Config {
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 32 << 20
	}
	if c.MemTableBytes == 0 {
		c.MemTableBytes = 16 << 20
	}
	if c.ReserveBytes == 0 {
		c.ReserveBytes = 64 << 20
	}
	if c.PurgeInterval == 0 {
		c.PurgeInterval = time.Minute
	}
	return c
}

// bloomBits per key make the filter of a file say yes in 1 of 100 cases in
// which it holds no such key.
const bloomBits = 10

// options returns Pebble's settings. The format of the files is pinned, so
// that a newer Pebble alone does not make a directory unreadable for an older
// release. This one has checksums in all parts of a table, and logs in which
// damage differs from the end.
func (c Config) options(d *directory, fatal func(error), flushed func()) *pebble.Options {
	o := &pebble.Options{
		FS:                          orderedFS{c.FS},
		Lock:                        d.lock,
		FormatMajorVersion:          pebble.FormatTableFormatV6,
		ErrorIfNotExists:            !d.fresh,
		ErrorIfNotPristine:          d.fresh,
		Logger:                      logger{log: c.Logger, fatal: fatal},
		EventListener:               listener(c.Logger, flushed),
		CacheSize:                   c.CacheBytes + 2*int64(c.MemTableBytes), // Pebble counts memtables in
		MemTableSize:                c.MemTableBytes,
		MemTableStopWritesThreshold: 3,
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                512,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return o
}
