package diskblob_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob/internal/powerfs"
)

// tight is a file system that tells how much room it has.
type tight struct {
	*powerfs.FS
	available atomic.Int64
}

func (f *tight) Available(string) (int64, error) { return f.available.Load(), nil }

// filler is a body, of which every byte takes room, and not of it alone.
type filler struct {
	fs   *tight
	rest io.Reader
	read int64
}

func (f *filler) Read(b []byte) (int, error) {
	n, err := f.rest.Read(b)
	f.read += int64(n)
	f.fs.available.Add(-2 * int64(n))
	return n, err
}

// What the disk has no room for is refused, and the reserve stays; what is there
// can be read and deleted.
func TestRoom(t *testing.T) {
	const reserve = 1 << 20
	disk := &tight{FS: powerfs.New(rand.New(rand.NewPCG(1, 2))).Boot()}
	disk.available.Store(10 << 20)
	s, err := diskblob.Open(diskblob.Config{Dir: "/blobs", FS: disk, ReserveBytes: reserve})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := t.Context()
	create := func(size, hint int64) (blob.ID, int64, error) {
		id := uuid.Must(uuid.NewV7())
		body := &filler{fs: disk, rest: io.LimitReader(rand.NewChaCha8([32]byte{}), size)}
		_, err := s.Create(ctx, id, body, hint)
		return id, body.read, err
	}
	full := func(err error) bool { return fault.ReasonOf(err) == errorsv1.Reason_REASON_STORAGE_FULL }

	kept, _, err := create(1000, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, hint := range []int64{100 << 20, -1} {
		disk.available.Store(10 << 20)
		cut, read, err := create(100<<20, hint)
		if !full(err) || read > 6<<20 {
			t.Errorf("a body that is announced as %d bytes: %v after %d bytes", hint, err, read)
		}
		if err := s.Read(ctx, cut, 0, 0, io.Discard); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("what was cut off: %v", err)
		}
	}
	disk.available.Store(reserve - 1)
	if _, read, err := create(10, 10); !full(err) || read > 0 {
		t.Errorf("a small blob on a full disk: %v after %d bytes", err, read)
	}
	var contents bytes.Buffer
	if err := s.Read(ctx, kept, 0, 1000, &contents); err != nil || contents.Len() != 1000 {
		t.Errorf("read %d bytes of 1000: %v", contents.Len(), err)
	}
	if err := s.Delete(ctx, kept); err != nil {
		t.Errorf("delete on a full disk: %v", err)
	}
	disk.available.Store(10 << 20)
	if _, _, err := create(1000, -1); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
