package pebbletable

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// formatVersion is the version of all that the directory holds: keys, records
// and the files below. A newer one is refused, an older one must be migrated.
const formatVersion = 1

const (
	// formatFile is written last when a directory is set up: as long as it is
	// missing, the directory has never held a commit.
	formatFile = "FORMAT"
	formatText = "holdfast metadata table, format %d\n"

	// watermarkFile holds a number of groups that are known to be committed.
	// A database that has fewer has lost some, whatever its own files say: a
	// log or manifest that was cut short at a record looks whole to Pebble.
	watermarkFile = "WATERMARK"
	watermarkText = "committed %d\n"
)

// directory is the locked data directory.
type directory struct {
	fs   vfs.FS
	path string
	lock *pebble.Lock
	// fresh tells that setting the directory up was never finished.
	fresh bool
}

// openDirectory creates the directory when there is none and it need not exist,
// locks it and checks its format.
func openDirectory(filesystem vfs.FS, path string, mustExist bool) (*directory, error) {
	d := &directory{fs: filesystem, path: path}
	if mustExist {
		switch _, err := filesystem.Stat(filesystem.PathJoin(path, formatFile)); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fault.New(errorsv1.Reason_REASON_NOT_FOUND,
				"open metadata directory %q: there is no table in it", path)
		case err != nil:
			return nil, fmt.Errorf("open metadata directory %q: %w", path, translate(err))
		}
	}
	if err := filesystem.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("create metadata directory %q: %w", path, translate(err))
	}
	var err error
	if d.lock, err = pebble.LockDirectory(path, filesystem); err != nil {
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_UNAVAILABLE,
			"metadata directory %q cannot be locked; another process may be using it", path)
	}
	if err = d.check(); err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return d, nil
}

func (d *directory) check() error {
	var version int
	switch err := d.read(formatFile, formatText, &version); {
	case errors.Is(err, fs.ErrNotExist):
		d.fresh = true
		return d.syncAncestors()
	case err != nil:
		return err
	case version > formatVersion:
		return fmt.Errorf("metadata directory %q has format %d; this version of holdfast knows formats up to %d",
			d.path, version, formatVersion)
	case version < 1:
		return d.damaged(formatFile, nil)
	}
	return nil
}

// finish makes a fresh directory one that may hold commits.
func (d *directory) finish() error {
	if err := d.setWatermark(0); err != nil {
		return err
	}
	if err := d.write(formatFile, formatText, formatVersion); err != nil {
		return err
	}
	d.fresh = false
	return nil
}

func (d *directory) watermark() (committed uint64, err error) {
	err = d.read(watermarkFile, watermarkText, &committed)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, d.damaged(watermarkFile, err)
	}
	return committed, err
}

func (d *directory) setWatermark(committed uint64) error {
	return d.write(watermarkFile, watermarkText, committed)
}

func (d *directory) close() error { return d.lock.Close() }

// read scans a small file. The error is fs.ErrNotExist when there is none and
// DATA_LOSS when it is not what write wrote.
func (d *directory) read(name, format string, value any) error {
	f, err := d.fs.Open(d.fs.PathJoin(d.path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ErrNotExist
	}
	if err != nil {
		return translate(err)
	}
	defer f.Close() //nolint:errcheck // it was only read, or its sync was checked
	if n, err := fmt.Fscanf(f, format, value); n != 1 || err != nil {
		return d.damaged(name, err)
	}
	return nil
}

// write replaces a small file; when it returns nil the new one is durable.
func (d *directory) write(name, format string, value any) error {
	path := d.fs.PathJoin(d.path, name)
	temporary := path + ".new"
	f, err := d.fs.Create(temporary, vfs.WriteCategoryUnspecified)
	if err != nil {
		return translate(err)
	}
	_, err = fmt.Fprintf(f, format, value)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return translate(err)
	}
	if err := d.fs.Rename(temporary, path); err != nil {
		return translate(err)
	}
	return syncDirectory(d.fs, d.path)
}

// syncAncestors makes the directory's own place durable. It goes up to the
// root, as an earlier try may have died between creating and syncing; those
// that it may not open it cannot have changed.
func (d *directory) syncAncestors() error {
	for dir := d.path; d.fs.PathDir(dir) != dir; {
		dir = d.fs.PathDir(dir)
		if err := syncDirectory(d.fs, dir); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

func syncDirectory(filesystem vfs.FS, path string) error {
	f, err := filesystem.OpenDir(path)
	if err != nil {
		return translate(err)
	}
	return translate(errors.Join(f.Sync(), f.Close()))
}

func (d *directory) damaged(name string, cause error) error {
	return fault.Wrap(cause, errorsv1.Reason_REASON_DATA_LOSS,
		"metadata directory %q: file %s is missing or damaged; restore the directory from a backup", d.path, name)
}
