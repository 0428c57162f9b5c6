package powerfs

import (
	"io"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
)

// FS is the disk as one process sees it.
type FS struct {
	disk    *Disk
	process int
}

var _ diskblob.FS = (*FS)(nil)

// enter takes the lock of the disk for a live process; leave gives it back.
func (f *FS) enter() error {
	f.disk.mu.Lock()
	if f.process != f.disk.process {
		f.disk.mu.Unlock()
		return ErrDead
	}
	return nil
}

func (f *FS) leave() { f.disk.mu.Unlock() }

// walk returns the directory that name is in, the last element, and what it
// names, if anything.
func (f *FS) walk(name string) (dir *node, base string, n *node, err error) {
	name = path.Clean("/" + name)
	if name == "/" {
		return f.disk.root, ".", f.disk.root, nil
	}
	parent, base := path.Split(name)
	dir = f.disk.root
	for element := range strings.SplitSeq(strings.Trim(parent, "/"), "/") {
		if element == "" {
			continue
		}
		if dir = dir.names[element]; dir == nil || dir.names == nil {
			return nil, "", nil, fs.ErrNotExist
		}
	}
	return dir, base, dir.names[base], nil
}

func failed(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// Mkdir implements diskblob.FS.
func (f *FS) Mkdir(name string) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.leave()
	dir, base, n, err := f.walk(name)
	if n != nil {
		err = fs.ErrExist
	}
	if err != nil {
		return failed("mkdir", name, err)
	}
	if !f.disk.change() {
		return ErrDead
	}
	dir.set(base, newDir())
	return nil
}

// Create implements diskblob.FS.
func (f *FS) Create(name string) (diskblob.File, error) {
	return f.open("create", name, true, true)
}

// Open implements diskblob.FS.
func (f *FS) Open(name string) (diskblob.File, error) { return f.open("open", name, false, false) }

// OpenWrite implements diskblob.FS.
func (f *FS) OpenWrite(name string) (diskblob.File, error) { return f.open("open", name, true, false) }

func (f *FS) open(op, name string, create, exclusive bool) (diskblob.File, error) {
	if err := f.enter(); err != nil {
		return nil, err
	}
	defer f.leave()
	dir, base, n, err := f.walk(name)
	switch {
	case err != nil:
	case n == nil && !create:
		err = fs.ErrNotExist
	case n != nil && exclusive:
		err = fs.ErrExist
	case n == nil:
		if !f.disk.change() {
			return nil, ErrDead
		}
		n = &node{}
		dir.set(base, n)
	case n.names != nil:
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, failed(op, name, err)
	}
	return &file{fs: f, node: n, name: name}, nil
}

// Rename implements diskblob.FS. A loss of power may leave both names or none.
func (f *FS) Rename(from, to string) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.leave()
	fromDir, fromBase, n, err := f.walk(from)
	if err == nil && n == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return failed("rename", from, err)
	}
	toDir, toBase, old, err := f.walk(to)
	if err != nil {
		return failed("rename", to, err)
	}
	if !f.disk.change() {
		return ErrDead
	}
	if old != nil {
		f.disk.used -= int64(len(old.data))
	}
	fromDir.set(fromBase, nil)
	toDir.set(toBase, n)
	return nil
}

// Remove implements diskblob.FS.
func (f *FS) Remove(name string) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.leave()
	dir, base, n, err := f.walk(name)
	if err == nil && n == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return failed("remove", name, err)
	}
	if !f.disk.change() {
		return ErrDead
	}
	f.disk.used -= int64(len(n.data))
	dir.set(base, nil)
	return nil
}

// ReadDir implements diskblob.FS.
func (f *FS) ReadDir(name string) ([]string, error) {
	if err := f.enter(); err != nil {
		return nil, err
	}
	defer f.leave()
	_, _, n, err := f.walk(name)
	if err == nil && (n == nil || n.names == nil) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, failed("readdir", name, err)
	}
	return slices.Sorted(maps.Keys(n.names)), nil
}

// Stat implements diskblob.FS.
func (f *FS) Stat(name string) (diskblob.Stat, error) {
	if err := f.enter(); err != nil {
		return diskblob.Stat{}, err
	}
	defer f.leave()
	_, _, n, err := f.walk(name)
	if err == nil && n == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return diskblob.Stat{}, failed("stat", name, err)
	}
	return diskblob.Stat{Size: int64(len(n.data)), Modified: time.Unix(int64(n.changed), 0), Dir: n.names != nil}, nil
}

// Available implements diskblob.FS. It does not tell, like a disk that others
// fill as well: the end of the room is found by writing.
func (f *FS) Available(string) (int64, error) {
	if err := f.enter(); err != nil {
		return 0, err
	}
	defer f.leave()
	return math.MaxInt64, nil
}

// SyncDir implements diskblob.FS.
func (f *FS) SyncDir(name string, point diskblob.SyncPoint) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.leave()
	_, _, n, err := f.walk(name)
	if err == nil && (n == nil || n.names == nil) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return failed("sync", name, err)
	}
	carryOut, err := f.disk.sync(point)
	if carryOut {
		n.syncNames()
	}
	return err
}

// Lock implements diskblob.FS.
func (f *FS) Lock(name string) (io.Closer, error) {
	file, err := f.OpenWrite(name)
	if err != nil {
		return nil, err
	}
	if err := f.enter(); err != nil {
		return nil, err
	}
	defer f.leave()
	_, _, n, err := f.walk(name)
	if err != nil {
		return nil, err
	}
	if f.disk.locks[n] == f.process {
		return nil, diskblob.ErrLocked
	}
	f.disk.locks[n] = f.process
	return lock{f, n, file}, nil
}

type lock struct {
	fs   *FS
	node *node
	io.Closer
}

func (l lock) Close() error {
	if err := l.fs.enter(); err != nil {
		return err
	}
	defer l.fs.leave()
	delete(l.fs.disk.locks, l.node)
	return nil
}
