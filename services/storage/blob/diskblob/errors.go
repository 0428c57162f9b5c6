package diskblob

import (
	"context"
	"errors"
	"syscall"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// translate gives an error of the file system its reason. Errors that have one,
// those of the port and those of a context pass.
func translate(err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrExists), errors.Is(err, blob.ErrRange):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fault.Wrap(err, errorsv1.Reason_REASON_STORAGE_FULL, "no room left for blobs")
	}
	return fault.Wrap(err, errorsv1.Reason_REASON_UNAVAILABLE, "blob storage failed")
}

// Damage, as the cause of a DATA_LOSS.
var (
	errChecksum = errors.New("diskblob: checksum mismatch")
	errShort    = errors.New("diskblob: file is shorter than it was")
	errForeign  = errors.New("diskblob: bytes of another blob")
	errVeiled   = errors.New("diskblob: not found, but a part of a pack is unreadable and may hold it")
)

// unreadable reports whether the medium does not give what stands on it. That
// may pass, so nothing that cannot be read is ever given up.
func unreadable(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EBADMSG)
}

// errReading gives an error of reading a blob its reason.
func errReading(id blob.ID, err error) error {
	if errors.Is(err, errShort) || unreadable(err) {
		return errDamaged(id, err)
	}
	return translate(err)
}

// errDamaged tells that bytes of a blob are lost.
func errDamaged(id blob.ID, cause error) error {
	return fault.Wrap(cause, errorsv1.Reason_REASON_DATA_LOSS, "blob %s is damaged", id)
}

// errFull tells that the disk has less room than is kept back.
func errFull(available, reserved int64) error {
	return fault.New(errorsv1.Reason_REASON_STORAGE_FULL,
		"no room left for blobs: %d bytes are free, and %d are kept back", available, reserved)
}

var errTooLarge = fault.New(errorsv1.Reason_REASON_TOO_LARGE, "a blob has at most %d bytes", int64(blob.MaxSize))
