// Package blob is storage's port to where bytes lie: immutable blobs, written
// once under a fresh id, read by ranges, deleted, listed.
//
// blobtest holds the contract as a suite; every adapter passes it.
package blob

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"
)

// MaxSize is the size of the largest blob in bytes: 64 GiB, which S3 holds in
// fewer parts than it allows while each of them is small enough to be kept in
// memory. Longer contents are in several blobs.
const MaxSize = 64 << 30

// ID names a blob. It is a UUIDv7, minted once and never used again.
type ID = uuid.UUID

// Errors by name. Others: fault STORAGE_FULL when the engine has no room,
// fault DATA_LOSS when bytes fail their checksum (then none of the block that
// failed has been handed out), fault UNAVAILABLE for what a later try may cure.
var (
	// ErrNotFound tells that there is no blob of that id.
	ErrNotFound = errors.New("blob: no such blob")
	// ErrExists tells that there is a blob of that id already.
	ErrExists = errors.New("blob: id already used")
	// ErrRange tells that a range does not lie within the blob.
	ErrRange = errors.New("blob: range outside of the blob")
)

// Info describes a blob in a listing.
type Info struct {
	ID   ID
	Size int64 // bytes
	// Created is when the blob became complete, as well as the engine knows.
	Created time.Time
}

// Store is the port. Every method is safe for concurrent use.
type Store interface {
	// Create stores what body yields until io.EOF under id and returns its
	// length in bytes. When it returns nil the blob is complete and durable:
	// it survives a loss of power. When body fails, or ctx ends, Create returns
	// that error and leaves no blob and, as far as the engine can reach, no
	// bytes; when it cannot be told whether the blob became complete, a later
	// Delete settles it. sizeHint is the expected length, or -1.
	//
	// Create reads body in one goroutine, into buffers of its own, and holds a
	// bounded amount of memory whatever the length.
	Create(ctx context.Context, id ID, body io.Reader, sizeHint int64) (int64, error)

	// Read writes length bytes from offset of the blob to w, in order. Bytes
	// are verified against their checksums before they reach w. An error of w
	// ends the read and is returned as it is. length 0 writes nothing but tells
	// ErrNotFound and ErrRange.
	Read(ctx context.Context, id ID, offset, length int64, w io.Writer) error

	// Delete removes the blob. When it returns nil no later Read finds it and
	// no crash brings it back. A blob that does not exist is no error. A Read
	// under way may end whole or with an error.
	Delete(ctx context.Context, id ID) error

	// List calls yield for every blob, in no particular order, until yield
	// returns an error, which List returns. Blobs that are there throughout
	// are listed exactly once.
	List(ctx context.Context, yield func(Info) error) error

	// Close releases the store. No call may be under way or follow.
	Close() error
}
