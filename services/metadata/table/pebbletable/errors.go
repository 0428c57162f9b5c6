package pebbletable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// translate gives an error of Pebble or of the file system its reason. Errors
// that have one, and those of a context, pass.
func translate(err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.Wrap(err, errorsv1.Reason_REASON_STORAGE_FULL, "no room left for metadata")
	case errors.Is(err, errRecord), pebble.IsCorruptionError(err), errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(err, errorsv1.Reason_REASON_DATA_LOSS, "stored metadata is damaged")
	}
	return fault.Wrap(err, errorsv1.Reason_REASON_UNAVAILABLE, "metadata storage failed")
}

var errNext = fmt.Errorf("%w: next is not of a page before", table.ErrInvalid)

func errOverflow(name string) error {
	return fmt.Errorf("%w: number %q overflows", table.ErrInvalid, name)
}

func errTooLarge(bytes int) error {
	return fmt.Errorf("%w: item grows to %d bytes", table.ErrInvalid, bytes)
}

// errStopped is what every commit gets once one could not be written.
func errStopped(cause error) error {
	reason := errorsv1.Reason_REASON_UNAVAILABLE
	if fault.ReasonOf(cause) == errorsv1.Reason_REASON_STORAGE_FULL {
		reason = errorsv1.Reason_REASON_STORAGE_FULL
	}
	return fault.Wrap(cause, reason, "metadata storage failed and takes no more writes until it is restarted")
}

// errFull tells that the disk has less room than is kept back.
func errFull(available, reserved uint64) error {
	return fault.New(errorsv1.Reason_REASON_STORAGE_FULL,
		"no room left for metadata: %d bytes are free, and %d are kept back", available, reserved)
}

// errLost tells that the database has fewer commits than it once had.
func errLost(path string, have, want uint64) error {
	return fault.New(errorsv1.Reason_REASON_DATA_LOSS,
		"metadata directory %q has lost commits: it holds %d, and once held %d; restore it from a backup", path, have, want)
}

// errForeign tells that there is a database but not one of ours.
func errForeign(path string, cause error) error {
	return fault.Wrap(cause, errorsv1.Reason_REASON_DATA_LOSS,
		"metadata directory %q holds records but no file %s; restore it from a backup, or name another directory", path, formatFile)
}
