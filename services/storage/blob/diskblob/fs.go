package diskblob

import (
	"io"
	"time"
)

// FS is the file system as the engine sees it, by absolute or relative paths
// as in package os. Its errors are those of package os. It is safe for
// concurrent use, and so are its Files.
//
// A loss of power may undo whatever no sync has made durable, each part of it
// by itself: a write, a sector of a write, a name that was made or removed.
type FS interface {
	// Mkdir makes a directory for the owner alone.
	Mkdir(name string) error
	// Create makes a file for reading and writing; it must not exist.
	Create(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// OpenWrite opens a file for reading and writing, and makes it when there
	// is none.
	OpenWrite(name string) (File, error)
	// Rename gives a file another name, and takes that name from whatever file
	// had it, in one step.
	Rename(from, to string) error
	// Remove removes the name of a file. Who has it open keeps it.
	Remove(name string) error
	// ReadDir returns the names in a directory, in no order.
	ReadDir(name string) ([]string, error)
	// Stat describes a file or directory.
	Stat(name string) (Stat, error)
	// Available returns how many bytes this process can still write to the file
	// system of a directory; math.MaxInt64 when that is not known.
	Available(name string) (int64, error)
	// SyncDir makes durable which names the directory holds.
	SyncDir(name string, point SyncPoint) error
	// Lock takes a file, which it makes when there is none, for this process
	// until the Closer is closed or the process ends. The error is ErrLocked
	// when another one has it.
	Lock(name string) (io.Closer, error)
}

// File is an open file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size returns the length in bytes.
	Size() (int64, error)
	// Truncate cuts the file to a length, or pads it with zeros.
	Truncate(size int64) error
	// Sync makes contents and length durable, not the name.
	Sync(point SyncPoint) error
	// Writeback starts to write a range out, and waits for it when told to. It
	// makes nothing durable: it keeps the amount low that Sync finds.
	Writeback(offset, length int64, wait bool) error
}

// Stat describes a file.
type Stat struct {
	Size     int64 // bytes
	Modified time.Time
	Dir      bool
}

// SyncPoint names a place where something becomes durable, for tests that
// leave one out.
type SyncPoint string

// The places. Each comment says what would be lost without.
const (
	// SyncParents keeps the directory itself.
	SyncParents SyncPoint = "parents"
	// SyncLayout keeps the directories in it, before FORMAT says that they are
	// there.
	SyncLayout SyncPoint = "layout"
	// SyncFormat keeps FORMAT from being empty.
	SyncFormat SyncPoint = "format"
	// SyncFormatName keeps FORMAT, before the first blob.
	SyncFormatName SyncPoint = "format name"

	// SyncLargeData keeps the bytes of a large blob, before it gets its name.
	SyncLargeData SyncPoint = "large data"
	// SyncLargeName keeps the name of a large blob, before Create returns.
	SyncLargeName SyncPoint = "large name"
	// SyncLargeGone keeps a large blob deleted, before Delete returns.
	SyncLargeGone SyncPoint = "large gone"

	// SyncPackName keeps the name of a new pack, before the first blob is in it.
	SyncPackName SyncPoint = "pack name"
	// SyncPackData keeps the blobs of a group, before their Creates return.
	SyncPackData SyncPoint = "pack data"
	// SyncPackSettled keeps a group that failed from coming back.
	SyncPackSettled SyncPoint = "pack settled"
	// SyncPackRecovered keeps what was found in a pack that its process did not
	// seal, before an index promises it.
	SyncPackRecovered SyncPoint = "pack recovered"
	// SyncIndex keeps an index from being damaged, before it gets its name.
	SyncIndex SyncPoint = "index"
	// SyncIndexName keeps an index, so that the pack is not read as a whole.
	SyncIndexName SyncPoint = "index name"
	// SyncPacksFound keeps the packs as a start has found them, before it
	// removes what they make superfluous.
	SyncPacksFound SyncPoint = "packs found"

	// SyncTombs keeps small blobs deleted, before their Deletes return.
	SyncTombs SyncPoint = "tombs"
	// SyncTombsName keeps the name of a file of tombs, likewise.
	SyncTombsName SyncPoint = "tombs name"

	// SyncMergedData keeps the blobs of a merged pack, before it takes the
	// place of others.
	SyncMergedData SyncPoint = "merged data"
	// SyncMergedVoid keeps those deleted that were while it was written.
	SyncMergedVoid SyncPoint = "merged void"
	// SyncMergedName keeps the merged pack, before the others are removed.
	SyncMergedName SyncPoint = "merged name"
	// SyncPackGone keeps a pack removed, before its tombs are.
	SyncPackGone SyncPoint = "pack gone"
)
