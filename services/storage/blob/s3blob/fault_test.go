package s3blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/services/internal/standin"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/s3blob"
)

var faults = map[string]standin.Fault{
	"refused": standin.Refused, "throttled": standin.Throttled, "failed": standin.Failed,
	"lost": standin.Lost, "failed late": standin.FailedLate, "cut": standin.Cut,
}

// pair returns a store on a wire, and one of the same bucket that is well. It is
// a new bucket when c names none.
func pair(t *testing.T, server standin.Server, c s3blob.Config, wire *standin.Wire) (ill, well *s3blob.Store) {
	t.Helper()
	c.Endpoint = server.S3
	if c.Bucket == "" {
		c.Bucket = bucket()
	}
	well = open(t, c)
	c.Transport = wire
	ill, err := s3blob.Open(t.Context(), c)
	must(t, err)
	return ill, well
}

func newID(t *testing.T) blob.ID {
	t.Helper()
	id, err := uuid.NewV7()
	must(t, err)
	return id
}

// noise is what contents are cut from: making it is slow under the race
// detector. Its length is prime, so that no two blocks of contents are alike.
var noise = func() []byte {
	b := make([]byte, 1048583)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}()

func content(n int) []byte {
	b := make([]byte, 0, n)
	for len(b) < n {
		b = append(b, noise[:min(len(noise), n-len(b))]...)
	}
	return b
}

// matching is a writer that compares what it gets with what is to come.
type matching struct {
	rest  []byte
	wrong bool
}

func (m *matching) Write(p []byte) (int, error) {
	m.wrong = m.wrong || !bytes.HasPrefix(m.rest, p)
	m.rest = m.rest[min(len(p), len(m.rest)):]
	return len(p), nil
}

// TestFaultsAroundEachRequest lets each request of the life of a blob go wrong
// in turn, in each way: the blob is made, read and deleted all the same.
func TestFaultsAroundEachRequest(t *testing.T) {
	server := standin.Start(t)
	for _, size := range []int{0, 1000, 9 << 20} {
		bytes := content(size)
		for name, f := range faults {
			t.Run(fmt.Sprintf("%d %s", size, name), func(t *testing.T) {
				var requests, wrong atomic.Int32
				ill, well := pair(t, server, s3blob.Config{}, &standin.Wire{Fault: func(*http.Request) standin.Fault {
					if requests.Add(1) == wrong.Load() {
						return f
					}
					return standin.Fine
				}})
				for at := int32(1); ; at++ {
					requests.Store(0)
					wrong.Store(at)
					lives(t, ill, bytes)
					if requests.Load() < at {
						break // all have gone wrong once
					}
				}
				empty(t, well)
			})
		}
	}
}

// lives makes, reads and deletes a blob.
func lives(t *testing.T, s *s3blob.Store, body []byte) {
	t.Helper()
	id := newID(t)
	if n, err := s.Create(t.Context(), id, bytes.NewReader(body), int64(len(body))); err != nil || n != int64(len(body)) {
		t.Fatalf("Create: %d, %v", n, err)
	}
	got := matching{rest: body}
	if err := s.Read(t.Context(), id, 0, int64(len(body)), &got); err != nil || got.wrong || len(got.rest) != 0 {
		t.Errorf("Read: %d bytes are missing, wrong ones came: %v; %v", len(got.rest), got.wrong, err)
	}
	if err := s.Delete(t.Context(), id); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if err := s.Read(t.Context(), id, 0, 0, io.Discard); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Read after Delete: %v", err)
	}
}

func empty(t *testing.T, s *s3blob.Store) {
	t.Helper()
	must(t, s.List(t.Context(), func(b blob.Info) error {
		t.Errorf("blob %v of %d bytes is left", b.ID, b.Size)
		return nil
	}))
}

// TestThousandsOfFaultyCalls: over a wire that fails one request in six, every
// blob is whole, and in the end none is left.
func TestThousandsOfFaultyCalls(t *testing.T) {
	server := standin.Start(t)
	ill, well := pair(t, server, s3blob.Config{Patience: time.Minute}, &standin.Wire{Fault: standin.Sometimes(2, 6)})
	const workers, each = 8, 60
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := range each {
				lives(t, ill, content(worker*100_000+i))
			}
		})
	}
	all.Wait()
	empty(t, well)
}

// TestNobodyElsesBlob: a creation whose answer was lost does not take another's
// blob for its own, and does not delete it.
func TestNobodyElsesBlob(t *testing.T) {
	server := standin.Start(t)
	id := newID(t)
	var well *s3blob.Store
	first := true
	ill, well := pair(t, server, s3blob.Config{}, &standin.Wire{Fault: func(*http.Request) standin.Fault {
		if first {
			first = false
			_, err := well.Create(context.Background(), id, strings.NewReader("theirs"), 6)
			must(t, err)
			return standin.Refused
		}
		return standin.Fine
	}})
	if _, err := ill.Create(t.Context(), id, strings.NewReader("ours"), 4); !errors.Is(err, blob.ErrExists) {
		t.Errorf("Create: %v, want ErrExists", err)
	}
	var got bytes.Buffer
	if err := well.Read(t.Context(), id, 0, 6, &got); err != nil || got.String() != "theirs" {
		t.Errorf("read %q, %v", got.String(), err)
	}
}

// TestDamagedBytes: a bit that flips on its way is noticed, and asked for
// again; one that is wrong each time is DATA_LOSS, and never written.
func TestDamagedBytes(t *testing.T) {
	server := standin.Start(t)
	body := content(700_000)
	for name, test := range map[string]struct {
		times int
		want  *fault.Error
	}{
		"once": {1, nil}, "always": {1000, fault.DataLoss},
	} {
		t.Run(name, func(t *testing.T) {
			wire := &standin.Wire{}
			ill, well := pair(t, server, s3blob.Config{}, wire)
			id := newID(t)
			_, err := well.Create(t.Context(), id, bytes.NewReader(body), -1)
			must(t, err)
			wire.Damage = standin.Flip(1000, test.times)
			var got bytes.Buffer
			err = ill.Read(t.Context(), id, 100, 600_000, &got)
			if test.want == nil && err != nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("Read: %v", err)
			}
			if !bytes.HasPrefix(body[100:], got.Bytes()) || err == nil && got.Len() != 600_000 {
				t.Errorf("read %d bytes, or wrong ones", got.Len())
			}
		})
	}
}

// TestWhatACrashLeaves: parts of an upload that nobody has ended go with the
// Delete of the blob, and the blob never appears.
func TestWhatACrashLeaves(t *testing.T) {
	server := standin.Start(t)
	var dead atomic.Bool
	var upload atomic.Value
	config := s3blob.Config{Bucket: bucket(), Patience: 50 * time.Millisecond, CleanupTimeout: 50 * time.Millisecond}
	ill, well := pair(t, server, config,
		&standin.Wire{Fault: func(r *http.Request) standin.Fault {
			if id := r.URL.Query().Get("uploadId"); id != "" {
				upload.Store(r.URL.Path + "?uploadId=" + id)
			}
			if dead.Load() {
				return standin.Refused
			}
			return standin.Fine
		}})
	id := newID(t)
	errDied := errors.New("died")
	_, err := ill.Create(t.Context(), id, io.MultiReader(bytes.NewReader(content(17<<20)), dying{&dead}, iotest.ErrReader(errDied)), -1)
	if !errors.Is(err, errDied) {
		t.Fatalf("Create: %v", err)
	}
	if upload.Load() == nil {
		t.Fatal("no part was sent")
	}
	must(t, well.Delete(t.Context(), id))
	// The server knows nothing of the upload any more.
	aborted := false
	third, _ := pair(t, server, s3blob.Config{Bucket: config.Bucket}, &standin.Wire{Fault: func(r *http.Request) standin.Fault {
		aborted = aborted || r.Method == http.MethodDelete && r.URL.Query().Has("uploadId")
		return standin.Fine
	}})
	must(t, third.Delete(t.Context(), id))
	if aborted {
		// A part on its way when the upload ended may have come after that:
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
		aborted = false
		must(t, third.Delete(t.Context(), id))
	}
	if aborted {
		t.Error("an upload is left after every Delete")
	}
}

// dying lets every later request fail.
type dying struct{ dead *atomic.Bool }

func (d dying) Read([]byte) (int, error) {
	d.dead.Store(true)
	return 0, io.EOF
}

// TestMemoryIsBounded: many uploads at once never hold more than the budget,
// and all of them end.
func TestMemoryIsBounded(t *testing.T) {
	server := standin.Start(t)
	s := open(t, s3blob.Config{Bucket: bucket(), Endpoint: server.S3, MemoryBytes: 32 << 20, Patience: 5 * time.Minute})
	const size = 17 << 20
	body := content(size)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if n, err := s.Create(t.Context(), newID(t), bytes.NewReader(body), -1); err != nil || n != size {
				t.Errorf("Create: %d, %v", n, err)
			}
		})
	}
	all.Wait()
}

// TestMemoryComesBack: whenever a client goes away, also when it does so with the
// byte that fills a part, what it took of the memory is there for the next.
func TestMemoryComesBack(t *testing.T) {
	const (
		parts  = 4 // that there is memory for
		part   = 8 << 20
		blocks = 3*part/(256<<10) - 1 // whole ones in three parts, which have 4 bytes more each
	)
	server := standin.Start(t)
	s := open(t, s3blob.Config{Bucket: bucket(), Endpoint: server.S3, MemoryBytes: parts * part, Patience: 2 * time.Second})
	body := content(3*part + 1)
	for range 2 * parts {
		ctx, cancel := context.WithCancel(t.Context())
		filling := &leaving{from: bytes.NewReader(body), left: 3*part - 4*blocks, leave: cancel}
		if _, err := s.Create(ctx, newID(t), filling, -1); !errors.Is(err, context.Canceled) {
			t.Fatalf("Create: %v", err)
		}
		if filling.left != 0 {
			t.Fatalf("the client left %d bytes beside the end of a part", filling.left)
		}
	}
	// Bodies that wait for each other come in all at once or not at all.
	var all, met sync.WaitGroup
	met.Add(parts)
	for range parts {
		all.Go(func() {
			body := readerFunc(func([]byte) (int, error) {
				met.Done()
				met.Wait()
				return 0, io.EOF
			})
			if _, err := s.Create(t.Context(), newID(t), body, -1); err != nil {
				met.Done() // the others shall not wait
				t.Errorf("the memory is not all there: %v", err)
			}
		})
	}
	all.Wait()
}

// leaving is the body of a client that goes away within the Read that brings so
// many bytes.
type leaving struct {
	from  io.Reader
	left  int
	leave func()
}

func (l *leaving) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	if l.left -= n; l.left <= 0 {
		l.leave()
	}
	return n, err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestUnavailableForLong: what does not pass within the patience is
// UNAVAILABLE, and tells when to come back.
func TestUnavailableForLong(t *testing.T) {
	server := standin.Start(t)
	for name, f := range faults {
		wire := &standin.Wire{}
		ill, well := pair(t, server, s3blob.Config{Patience: 100 * time.Millisecond}, wire)
		id := newID(t)
		_, err := well.Create(t.Context(), id, strings.NewReader("bytes"), 5)
		must(t, err)
		wire.Fault = func(*http.Request) standin.Fault { return f }
		for call, do := range map[string]func() error{
			"Create": func() error { _, err := ill.Create(t.Context(), newID(t), strings.NewReader("x"), 1); return err },
			"Read":   func() error { return ill.Read(t.Context(), id, 0, 5, io.Discard) },
			"Delete": func() error { return ill.Delete(t.Context(), id) },
			"List":   func() error { return ill.List(t.Context(), func(blob.Info) error { return nil }) },
		} {
			err := do()
			if name == "cut" && err == nil {
				continue // an answer without a body can't be cut within it
			}
			if e, ok := errors.AsType[*fault.Error](err); !ok || !errors.Is(err, fault.Unavailable) || e.RetryAfter <= 0 {
				t.Errorf("%s, %s: %v", name, call, err)
			}
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
