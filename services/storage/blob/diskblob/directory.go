package diskblob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// formatVersion is the version of all that the directory holds. Another one is
// refused.
const formatVersion = 1

// The directory:
//
//	FORMAT         the version, written last when the directory is set up
//	LOCK           held by the process that has the directory open
//	incoming/      files that have no name yet; emptied at each start
//	large/00 … ff  large blobs by the last byte of their id, which is random
//	packs/         small blobs, with their indexes and tombs
const (
	formatFile  = "FORMAT"
	formatText  = "holdfast blobs, format %d\n"
	lockFile    = "LOCK"
	incomingDir = "incoming"
	largeDir    = "large"
	packsDir    = "packs"
)

const largeDirs = 256

// directory is the locked data directory.
type directory struct {
	fs   FS
	path string
	lock io.Closer

	largeDirs      [largeDirs]string
	named, removed [largeDirs]group[struct{}] // syncs of the directories of large blobs
}

func (d *directory) incoming(name string) string { return filepath.Join(d.path, incomingDir, name) }

func (d *directory) large(id blob.ID) string {
	return d.largeDirs[id[15]] + string(filepath.Separator) + id.String()
}

func (d *directory) packs() string { return filepath.Join(d.path, packsDir) }

func (d *directory) pack(n packName, suffix string) string {
	return filepath.Join(d.path, packsDir, n.String()+suffix)
}

// syncLarge makes durable that a large blob has got or lost its name.
func (d *directory) syncLarge(id blob.ID, point SyncPoint) error {
	i := id[15]
	if point == SyncLargeGone {
		return d.removed[i].commit(struct{}{})
	}
	return d.named[i].commit(struct{}{})
}

func (d *directory) syncPacks(point SyncPoint) error { return d.fs.SyncDir(d.packs(), point) }

// openDirectory locks the directory, which it sets up when there is none and it
// need not exist, and checks its format.
func openDirectory(filesystem FS, path string, mustExist bool) (*directory, error) {
	d := &directory{fs: filesystem, path: filepath.Clean(path)}
	for i := range largeDirs {
		dir := filepath.Join(d.path, largeDir, fmt.Sprintf("%02x", i))
		d.largeDirs[i] = dir
		d.named[i].flush = func([]struct{}) error { return d.fs.SyncDir(dir, SyncLargeName) }
		d.removed[i].flush = func([]struct{}) error { return d.fs.SyncDir(dir, SyncLargeGone) }
	}
	if mustExist {
		if err := d.checkExists(); err != nil {
			return nil, fmt.Errorf("open blob directory %q: %w", d.path, translate(err))
		}
	}
	if err := d.mkdirAll(d.path); err != nil {
		return nil, fmt.Errorf("create blob directory %q: %w", d.path, translate(err))
	}
	var err error
	d.lock, err = filesystem.Lock(filepath.Join(d.path, lockFile))
	switch {
	case errors.Is(err, ErrLocked):
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_UNAVAILABLE,
			"blob directory %q is in use by another process", d.path)
	case err != nil:
		return nil, fmt.Errorf("lock blob directory %q: %w", d.path, translate(err))
	}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("open blob directory %q: %w", d.path, translate(err)), d.lock.Close())
	}
	return d, nil
}

// checkExists makes sure that there is a store, without changing anything.
func (d *directory) checkExists() error {
	_, err := d.fs.Stat(filepath.Join(d.path, formatFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.checkEmpty(); err != nil {
		return err
	}
	return fault.New(errorsv1.Reason_REASON_NOT_FOUND, "there is no store in it")
}

func (d *directory) mkdirAll(path string) error {
	err := d.fs.Mkdir(path)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		if err := d.mkdirAll(filepath.Dir(path)); err != nil {
			return err
		}
		err = d.fs.Mkdir(path)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// prepare checks the format or sets the directory up, and empties incoming.
func (d *directory) prepare() error {
	found, err := d.checkFormat()
	if err != nil {
		return err
	}
	if !found {
		if err := d.setUp(); err != nil {
			return err
		}
	}
	// Also when FORMAT was found: who wrote it may have died before this.
	if err := d.fs.SyncDir(d.path, SyncFormatName); err != nil {
		return err
	}
	names, err := d.fs.ReadDir(d.incoming(""))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := d.fs.Remove(d.incoming(name)); err != nil {
			return err
		}
	}
	return nil
}

// setUp makes a directory that has no FORMAT one that may hold blobs. An
// earlier try may have died at any step.
func (d *directory) setUp() error {
	if err := d.checkEmpty(); err != nil {
		return err
	}
	dirs := []string{d.incoming(""), d.packs(), filepath.Join(d.path, largeDir)}
	for _, dir := range append(dirs, d.largeDirs[:]...) {
		if err := d.mkdirAll(dir); err != nil {
			return err
		}
	}
	for dir := d.path; filepath.Dir(dir) != dir; {
		dir = filepath.Dir(dir)
		// What may not be opened was not changed either.
		if err := d.fs.SyncDir(dir, SyncParents); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	for _, dir := range []string{filepath.Join(d.path, largeDir), d.path} {
		if err := d.fs.SyncDir(dir, SyncLayout); err != nil {
			return err
		}
	}
	return d.writeFormat()
}

func (d *directory) writeFormat() error {
	path := d.incoming(formatFile)
	if err := d.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := d.fs.Create(path)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(fmt.Appendf(nil, formatText, formatVersion), 0); err == nil {
		err = f.Sync(SyncFormat)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return d.fs.Rename(path, filepath.Join(d.path, formatFile))
}

// checkFormat reports whether there is a FORMAT. The error tells when it is not
// one that this program knows.
func (d *directory) checkFormat() (found bool, err error) {
	f, err := d.fs.Open(filepath.Join(d.path, formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var version int
	_, err = fmt.Fscanf(io.NewSectionReader(f, 0, 64), formatText, &version)
	switch err := errors.Join(err, f.Close()); {
	case err != nil:
		return true, fault.Wrap(err, errorsv1.Reason_REASON_DATA_LOSS, "file %s is damaged", formatFile)
	case version != formatVersion:
		return true, fault.New(errorsv1.Reason_REASON_INTERNAL,
			"it has format %d; this version of holdfast knows format %d", version, formatVersion)
	}
	return true, nil
}

// checkEmpty makes sure that a missing FORMAT is not one that was lost.
func (d *directory) checkEmpty() error {
	for _, dir := range append([]string{d.packs()}, d.largeDirs[:]...) {
		names, err := d.fs.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, name := range names {
			if _, err := uuid.Parse(name); err == nil || filepath.Ext(name) == packSuffix {
				return fault.New(errorsv1.Reason_REASON_DATA_LOSS, "it holds blobs, but file %s is missing", formatFile)
			}
		}
	}
	return nil
}
