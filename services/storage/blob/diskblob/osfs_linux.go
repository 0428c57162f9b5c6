package diskblob

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Available leaves out what is kept for root, as root does not always run this.
func (osFS) Available(name string) (int64, error) {
	var s unix.Statfs_t
	if err := retry(func() error { return unix.Statfs(name, &s) }); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: name, Err: err}
	}
	if s.Bavail > uint64(math.MaxInt64)/uint64(s.Bsize) {
		return math.MaxInt64, nil
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// Sync is fdatasync, which leaves out the times but not the length.
func (f osFile) Sync(_ SyncPoint) error {
	if err := retry(func() error { return unix.Fdatasync(int(f.Fd())) }); err != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}

func (f osFile) Writeback(offset, length int64, wait bool) error {
	flags := unix.SYNC_FILE_RANGE_WRITE
	if wait {
		flags |= unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	}
	err := retry(func() error { return unix.SyncFileRange(int(f.Fd()), offset, length, flags) })
	switch {
	case err == nil, errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL):
		return nil // a file system that cannot has all the work at the end
	}
	// An error of the device is told once only, here or to Sync.
	return &os.PathError{Op: "sync_file_range", Path: f.Name(), Err: err}
}
