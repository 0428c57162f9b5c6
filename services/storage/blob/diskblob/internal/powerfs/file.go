package powerfs

import (
	"io"
	"io/fs"
	"syscall"

	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
)

// file is an open file of a process.
type file struct {
	fs     *FS
	node   *node
	name   string
	closed bool
}

var _ diskblob.File = (*file)(nil)

func (f *file) enter() error {
	if err := f.fs.enter(); err != nil {
		return err
	}
	if f.closed {
		f.fs.leave()
		return failed("use", f.name, fs.ErrClosed)
	}
	return nil
}

func (f *file) leave() { f.fs.leave() }

func (f *file) ReadAt(b []byte, offset int64) (int, error) {
	if err := f.enter(); err != nil {
		return 0, err
	}
	defer f.leave()
	if offset >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	fine, err := f.node.readable(len(b), offset)
	n := copy(b[:fine], f.node.data[offset:])
	if err != nil {
		return n, failed("read", f.name, err)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(b []byte, offset int64) (int, error) {
	if err := f.enter(); err != nil {
		return 0, err
	}
	defer f.leave()
	if _, err := f.node.readable(len(b), offset); err != nil {
		return 0, failed("write", f.name, err)
	}
	d := f.fs.disk
	if !d.change() {
		f.put(b[:d.rng.IntN(len(b)+1)], offset)
		return 0, ErrDead
	}
	if more := offset + int64(len(b)) - int64(len(f.node.data)); d.capacity > 0 && more > 0 && d.used+more > d.capacity {
		fits := max(0, int64(len(b))-(d.used+more-d.capacity))
		f.put(b[:fits], offset)
		return int(fits), failed("write", f.name, syscall.ENOSPC)
	}
	f.put(b, offset)
	return len(b), nil
}

func (f *file) put(b []byte, offset int64) {
	if len(b) == 0 {
		return
	}
	d := f.fs.disk
	d.used -= int64(len(f.node.data))
	f.node.write(b, offset)
	f.node.changed = d.changes
	d.used += int64(len(f.node.data))
}

func (f *file) Size() (int64, error) {
	if err := f.enter(); err != nil {
		return 0, err
	}
	defer f.leave()
	return int64(len(f.node.data)), nil
}

func (f *file) Truncate(size int64) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.leave()
	d := f.fs.disk
	if !d.change() {
		return ErrDead
	}
	d.used += size - int64(len(f.node.data))
	f.node.truncate(size)
	return nil
}

func (f *file) Sync(point diskblob.SyncPoint) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.leave()
	d := f.fs.disk
	carryOut, err := d.sync(point)
	switch {
	case carryOut:
		f.node.syncContents()
	case err != nil && err != ErrDead: //nolint:errorlint // it is never wrapped
		f.node.forget(d.rng)
	}
	return err
}

// Writeback does nothing: it makes nothing durable.
func (f *file) Writeback(_, _ int64, _ bool) error { return nil }

func (f *file) Close() error {
	f.fs.disk.mu.Lock()
	defer f.fs.disk.mu.Unlock()
	if f.closed {
		return failed("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}
