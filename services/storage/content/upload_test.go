package content_test

import (
	"bytes"
	"context"
	"crypto/sha512"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/content"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

// TestUpload stores contents of sizes at and around every border, with and
// without their length and digests announced, from readers of every habit.
func TestUpload(t *testing.T) {
	habits := map[string]func(io.Reader) io.Reader{
		"plain":         func(r io.Reader) io.Reader { return r },
		"data with EOF": iotest.DataErrReader,
		"half":          iotest.HalfReader,
	}
	sizes := []int{0, 1, 4096, 8<<10 - 1, 8 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1, 256<<10 - 1, 256 << 10, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5 << 20}
	for name, habit := range habits {
		w := newWorld(t, nil)
		for _, size := range sizes {
			for _, announced := range []bool{true, false} {
				data := random(size, uint64(size))
				spec := specFor(name)
				if announced {
					announce(int64(size))(spec)
					spec.Sha256 = sum(data)
					d := sha512.Sum512(data)
					spec.Sha512 = d[:]
				}
				if _, err := w.engine.Upload(t.Context(), spec, habit(bytes.NewReader(data))); err != nil {
					t.Errorf("%s, %d bytes: %v", name, size, err)
					continue
				}
				if _, got, err := w.download(t.Context(), pathRequest(name)); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s, %d bytes: %d bytes, %v", name, size, len(got), err)
				}
			}
		}
		w.ledger.Check()
		if n := w.ledger.Pending(); n != 0 {
			t.Errorf("%d intents are left", n)
		}
	}
}

func TestUploadRefusesSpec(t *testing.T) {
	cases := map[string]struct {
		change func(*storagev1.UploadSpec)
		want   errorsv1.Reason
	}{
		"no target":     {func(s *storagev1.UploadSpec) { s.Target = nil }, errorsv1.Reason_REASON_INVALID_ARGUMENT},
		"negative size": {announce(-1), errorsv1.Reason_REASON_INVALID_ARGUMENT},
		"too large":     {announce(5<<40 + 1), errorsv1.Reason_REASON_TOO_LARGE},
		"short sha256":  {func(s *storagev1.UploadSpec) { s.Sha256 = make([]byte, 31) }, errorsv1.Reason_REASON_INVALID_ARGUMENT},
		"long sha512":   {func(s *storagev1.UploadSpec) { s.Sha512 = make([]byte, 65) }, errorsv1.Reason_REASON_INVALID_ARGUMENT},
	}
	for name, c := range cases {
		w := newWorld(t, func(method string) ledgertest.Fault {
			t.Errorf("%s: the ledger was asked to %s", name, method)
			return ledgertest.Fault{}
		})
		spec := specFor("/a")
		c.change(spec)
		if _, err := w.engine.Upload(t.Context(), spec, failing{errors.New("read")}); fault.ReasonOf(err) != c.want {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	w := newWorld(t, nil)
	if _, err := w.engine.Upload(t.Context(), nil, nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("no spec: %v", err)
	}
}

// TestUploadAsksFirst holds that no byte of a body is read before the ledger
// has given leave.
func TestUploadAsksFirst(t *testing.T) {
	w := newWorld(t, nil)
	spec := specFor("/a")
	spec.Condition = &storagev1.WriteCondition{Present: true}
	body := failing{errors.New("read before leave was given")}
	if _, err := w.engine.Upload(t.Context(), spec, body); !errors.Is(err, fault.Precondition) {
		t.Errorf("got %v", err)
	}
}

func TestReplay(t *testing.T) {
	w := newWorld(t, nil)
	data := random(5*largestBlob, 12)
	again := func(s *storagev1.UploadSpec) { s.RequestId = "id" }
	first, err := w.upload(t.Context(), "/a", data, again)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(data)
	other[len(other)-1]++
	cases := map[string]struct {
		spec func(*storagev1.UploadSpec)
		body []byte
		want errorsv1.Reason
	}{
		"same":                    {announce(int64(len(data))), data, 0},
		"same of unknown length":  {func(*storagev1.UploadSpec) {}, data, 0},
		"other byte":              {announce(int64(len(data))), other, errorsv1.Reason_REASON_REQUEST_ID_REUSED},
		"announced as shorter":    {announce(5), data[:5], errorsv1.Reason_REASON_REQUEST_ID_REUSED},
		"announced digest":        {func(s *storagev1.UploadSpec) { s.Sha256 = sum(nil) }, data, errorsv1.Reason_REASON_REQUEST_ID_REUSED},
		"shorter":                 {func(*storagev1.UploadSpec) {}, data[:largestBlob], errorsv1.Reason_REASON_REQUEST_ID_REUSED},
		"longer":                  {func(*storagev1.UploadSpec) {}, append(bytes.Clone(data), 0), errorsv1.Reason_REASON_REQUEST_ID_REUSED},
		"not as announced itself": {announce(int64(len(data))), data[:9], errorsv1.Reason_REASON_INVALID_ARGUMENT},
	}
	for name, c := range cases {
		spec := specFor("/a")
		again(spec)
		c.spec(spec)
		resp, err := w.engine.Upload(t.Context(), spec, bytes.NewReader(c.body))
		switch {
		case c.want == 0 && (err != nil || resp.GetFile().GetRevision() != first.GetFile().GetRevision() || !resp.GetCreated()):
			t.Errorf("%s: got %v, %v", name, resp, err)
		case c.want != 0 && fault.ReasonOf(err) != c.want:
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if n := len(w.store.IDs()); n != len(data)/largestBlob {
		t.Errorf("%d blobs", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	spec := specFor("/a")
	again(spec)
	body := io.MultiReader(bytes.NewReader(data[:1<<20]), leaving(cancel), bytes.NewReader(data[1<<20:]))
	if _, err := w.engine.Upload(ctx, spec, body); fault.ReasonOf(err) != cancelled {
		t.Errorf("cancelled: %v", err)
	}
}

// TestUploadExpires lets the intent expire while the body comes in: bytes that
// no intent protects are given up.
func TestUploadExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		body := io.MultiReader(bytes.NewReader(random(2<<20, 13)), sleeping(25*time.Hour), bytes.NewReader(random(1<<20, 14)))
		if _, err := w.engine.Upload(t.Context(), specFor("/a"), body); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
			t.Errorf("got %v", err)
		}
		w.ledger.Check()
		w.sweepAll(t)
		if len(w.store.IDs()) != 0 {
			t.Error("a blob is left")
		}
	})
}

type sleeping time.Duration

func (s sleeping) Read([]byte) (int, error) {
	<-time.After(time.Duration(s))
	return 0, io.EOF
}

// TestUploadMemory fills the memory with an upload that stands still. Another
// one waits for it, and gives up after a while or when its client leaves; a
// small one does not have to.
func TestUploadMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		body, end := io.Pipe()
		var uploading sync.WaitGroup
		uploading.Go(func() {
			if _, err := w.engine.Upload(t.Context(), specFor("/slow"), body); err != nil {
				t.Errorf("slow upload: %v", err)
			}
		})
		synctest.Wait()

		large := random(1<<20, 1)
		if _, err := w.upload(t.Context(), "/a", large); !errors.Is(err, fault.Unavailable) {
			t.Errorf("impatient: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.upload(ctx, "/b", large); fault.ReasonOf(err) != errorsv1.Reason_REASON_DEADLINE_EXCEEDED {
			t.Errorf("left: %v", err)
		}
		if _, err := w.upload(t.Context(), "/small", random(10, 1)); err != nil {
			t.Errorf("small: %v", err)
		}
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if _, err := w.upload(t.Context(), "/c", large); err != nil {
				t.Errorf("patient: %v", err)
			}
		})
		synctest.Wait()
		_ = end.Close()
		uploading.Wait()
		waiting.Wait()
		w.ledger.Check()
	})
}

// TestConcurrentUploads has many clients write to few names, half of them
// failing, with memory for some of them at a time.
func TestConcurrentUploads(t *testing.T) {
	store := faultblob.New(t)
	ledger := ledgertest.New(t, store)
	engine := content.New(content.Config{Blobs: store, Ledger: ledger.Client(nil), UploadMemory: 6 << 20})
	var clients sync.WaitGroup
	for c := range 16 {
		clients.Go(func() {
			for i := range 10 {
				data := random((c*i*37_123)%(3<<20), uint64(c*100+i))
				body := io.Reader(bytes.NewReader(data))
				fail := (c+i)%2 == 1
				if fail {
					body = io.MultiReader(body, failing{io.ErrUnexpectedEOF})
				}
				_, err := engine.Upload(t.Context(), specFor("/"+string(rune('a'+c%4))), body)
				if (err != nil) != fail {
					t.Errorf("client %d, upload %d: %v", c, i, err)
				}
			}
		})
	}
	clients.Wait()
	ledger.Check()
	if n := ledger.Pending(); n != 0 {
		t.Errorf("%d intents are left", n)
	}
}
