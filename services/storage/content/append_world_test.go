package content_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/content"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

const (
	testPath   = "/a"
	testExtent = 300 << 10
)

// newResumableWorld is a world with small extents and memory for a few streams.
func newResumableWorld(tb testing.TB, ledgerFault func(method string) ledgertest.Fault) *world {
	w := newWorld(tb, nil)
	w.engine = w.newEngine(ledgerFault)
	return w
}

// newEngine returns another engine, as in another process, on the same world.
func (w *world) newEngine(ledgerFault func(method string) ledgertest.Fault) *content.Engine {
	return content.New(content.Config{
		Blobs: w.store, Ledger: w.ledger.Client(ledgerFault), Logger: slog.New(slog.DiscardHandler),
		UploadMemory: 16 << 20, MinExtent: testExtent, ExtentTime: time.Minute,
	})
}

func (w *world) open(tb testing.TB, size int64) string {
	tb.Helper()
	req := &storagev1.CreateUploadRequest{Parent: "spaces/s", Target: &storagev1.CreateUploadRequest_Path{
		Path: &storagev1.PathTarget{Space: "spaces/s", Path: testPath},
	}}
	if size >= 0 {
		req.SizeBytes = &size
	}
	status, err := w.engine.CreateUpload(context.Background(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return status.GetUpload().GetName()
}

func (w *world) append(ctx context.Context, name string, offset int64, body io.Reader, change ...func(*storagev1.AppendSpec)) (*storagev1.UploadStatus, error) {
	spec := &storagev1.AppendSpec{Name: name, OffsetBytes: offset}
	for _, c := range change {
		c(spec)
	}
	return w.engine.AppendUpload(ctx, spec, body, nil)
}

func (w *world) query(tb testing.TB, name string) *storagev1.UploadStatus {
	tb.Helper()
	status, err := w.engine.QueryUpload(context.Background(), &storagev1.QueryUploadRequest{Name: name})
	if err != nil {
		tb.Fatal(err)
	}
	return status
}

// holds checks that the file has the contents, and that nothing else is
// left once all was swept.
func (w *world) holds(tb testing.TB, data []byte) {
	tb.Helper()
	w.ledger.Check()
	rest := comparison(data)
	err := w.engine.Download(context.Background(), pathRequest(testPath), func(*storagev1.DownloadHeader) (io.Writer, error) {
		return &rest, nil
	})
	if err != nil || len(rest) > 0 {
		tb.Errorf("download: %v; %d of %d bytes are missing or wrong", err, len(rest), len(data))
	}
	if node, _ := w.ledger.File(testPath); node.GetSha256() != hex.EncodeToString(sum(data)) {
		tb.Errorf("digest %s", node.GetSha256())
	}
	extents := len(w.ledger.Extents(testPath))
	w.sweepAll(tb)
	if got := len(w.store.IDs()); got != extents {
		tb.Errorf("%d blobs are left for %d extents", got, extents)
	}
}

// comparison is the rest of what is to be written to it.
type comparison []byte

func (c *comparison) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(*c, p) {
		return 0, errors.New("other bytes than were stored")
	}
	*c = (*c)[len(p):]
	return len(p), nil
}

func complete(s *storagev1.AppendSpec) { s.Complete = true }

// script is a body whose reads a test decides, and which can be interrupted.
type script struct {
	reads chan []byte // closed at the proper end
	stop  chan struct{}
	rest  []byte
}

func newScript() *script { return &script{reads: make(chan []byte, 100), stop: make(chan struct{})} }

func (s *script) Interrupt() { close(s.stop) }

func (s *script) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		select {
		case data, ok := <-s.reads:
			if !ok {
				return 0, io.EOF
			}
			s.rest = data
		case <-s.stop:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
