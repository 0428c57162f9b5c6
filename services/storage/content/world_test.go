package content_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/content"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
	"github.com/holdfast-files/holdfast/services/storage/sweeper"
)

// world is an engine between a blob store and a ledger that check it, with a
// sweeper that nothing goes wrong for.
type world struct {
	store   *faultblob.Store
	ledger  *ledgertest.Ledger
	engine  *content.Engine
	sweeper *sweeper.Sweeper
}

// largestBlob is so small that tests of large uploads are of several blobs.
const largestBlob = 384 << 10

func newWorld(tb testing.TB, ledgerFault func(method string) ledgertest.Fault) *world {
	tb.Helper()
	store := faultblob.New(tb)
	ledger := ledgertest.New(tb, store)
	quiet := slog.New(slog.DiscardHandler)
	return &world{
		store:  store,
		ledger: ledger,
		engine: content.New(content.Config{
			Blobs: store, Ledger: ledger.Client(ledgerFault), Logger: quiet,
			// One upload at a time: memory that is not given back stops the next.
			UploadMemory: 1, AdmissionTimeout: time.Minute,
			LargestBlob: largestBlob,
		}),
		sweeper: sweeper.New(sweeper.Config{Blobs: store, Ledger: ledger.Client(nil), Logger: quiet}),
	}
}

// upload uploads data to path and returns what came of it.
func (w *world) upload(ctx context.Context, path string, data []byte, change ...func(*storagev1.UploadSpec)) (*storagev1.UploadResponse, error) {
	spec := specFor(path)
	size := int64(len(data))
	spec.SizeBytes = &size
	for _, c := range change {
		c(spec)
	}
	return w.engine.Upload(ctx, spec, bytes.NewReader(data))
}

// download returns the header and the bytes of a download.
func (w *world) download(ctx context.Context, req *storagev1.DownloadRequest) (*storagev1.DownloadHeader, []byte, error) {
	var header *storagev1.DownloadHeader
	var data bytes.Buffer
	err := w.engine.Download(ctx, req, func(h *storagev1.DownloadHeader) (io.Writer, error) {
		header = h
		return &data, nil
	})
	return header, data.Bytes(), err
}

// sweepAll sweeps what is due now and what will be once every deadline passed.
func (w *world) sweepAll(tb testing.TB) {
	tb.Helper()
	for range 3 { // an intent expires after one, and is swept once more after another
		if err := w.sweeper.Sweep(context.Background()); err != nil {
			tb.Errorf("sweep: %v", err)
		}
		w.ledger.Check()
		w.ledger.Advance(49 * time.Hour)
	}
	if n := w.ledger.Pending(); n != 0 {
		tb.Errorf("%d intents and jobs are left after all was swept", n)
	}
}

func specFor(path string) *storagev1.UploadSpec {
	return &storagev1.UploadSpec{Target: &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Space: "spaces/s", Path: path}}}
}

func pathRequest(path string) *storagev1.DownloadRequest {
	return &storagev1.DownloadRequest{Source: &storagev1.DownloadRequest_Path{Path: &storagev1.PathTarget{Space: "spaces/s", Path: path}}}
}

func random(n int, seed uint64) []byte {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = source.Read(data) // never fails
	return data
}

func sum(data []byte) []byte {
	s := sha256.Sum256(data)
	return s[:]
}
