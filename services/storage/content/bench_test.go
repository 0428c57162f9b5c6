package content_test

import (
	"context"
	"io"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
	"github.com/holdfast-files/holdfast/services/storage/content"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// yes is a ledger that grants everything and remembers the last upload.
type yes struct {
	ledgerv1.LedgerServiceClient
	located *ledgerv1.LocateResponse
}

func (y *yes) Begin(context.Context, *ledgerv1.BeginRequest, ...grpc.CallOption) (*ledgerv1.BeginResponse, error) {
	return &ledgerv1.BeginResponse{
		Grant: []byte("yes"), BlobId: uuid.Must(uuid.NewV7()).String(), ExpireTime: timestamppb.New(time.Now().Add(time.Hour)),
	}, nil
}

func (y *yes) Commit(_ context.Context, req *ledgerv1.CommitRequest, _ ...grpc.CallOption) (*ledgerv1.CommitResponse, error) {
	file := &metadatav1.File{Name: "spaces/s/files/f"}
	y.located = &ledgerv1.LocateResponse{
		File: file, Extents: req.GetExtents(), ModifyTime: timestamppb.Now(),
		Revision: &metadatav1.Revision{Name: file.GetName() + "/revisions/r", SizeBytes: req.GetSizeBytes()},
	}
	return &ledgerv1.CommitResponse{File: file, Created: true}, nil
}

func (y *yes) Locate(context.Context, *ledgerv1.LocateRequest, ...grpc.CallOption) (*ledgerv1.LocateResponse, error) {
	return y.located, nil
}

// nowhere is a blob store without bytes, to see what the engine costs alone.
type nowhere struct{ blob.Store }

func (nowhere) Create(_ context.Context, _ blob.ID, body io.Reader, hint int64) (int64, error) {
	if hint < 0 {
		hint = 256 << 10
	}
	buffer := make([]byte, min(hint+1, 256<<10))
	return io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{body}, buffer)
}

func (nowhere) Read(_ context.Context, _ blob.ID, _, length int64, w io.Writer) error {
	buffer := make([]byte, min(length, 256<<10))
	for ; length > 0; length -= int64(len(buffer)) {
		if _, err := w.Write(buffer[:min(length, int64(len(buffer)))]); err != nil {
			return err
		}
	}
	return nil
}

func onDisk(b *testing.B) blob.Store {
	store, err := diskblob.Open(diskblob.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return store
}

var benchSizes = map[string]int64{"4KiB": 4 << 10, "1GiB": 1 << 30}

func BenchmarkUpload(b *testing.B) {
	for name, size := range benchSizes {
		b.Run("nowhere/"+name, func(b *testing.B) { benchmarkUpload(b, nowhere{}, size) })
		b.Run("disk/"+name, func(b *testing.B) { benchmarkUpload(b, onDisk(b), size) })
	}
}

func benchmarkUpload(b *testing.B, store blob.Store, size int64) {
	engine := content.New(content.Config{Blobs: store, Ledger: &yes{}, Logger: slog.New(slog.DiscardHandler)})
	spec := specFor("/a")
	spec.SizeBytes = &size
	b.SetBytes(size)
	b.ReportAllocs()
	defer reportCPU(b, size)()
	for b.Loop() {
		if _, err := engine.Upload(b.Context(), spec, io.LimitReader(pattern{}, size)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDownload(b *testing.B) {
	for name, size := range benchSizes {
		b.Run("nowhere/"+name, func(b *testing.B) { benchmarkDownload(b, nowhere{}, size) })
		b.Run("disk/"+name, func(b *testing.B) { benchmarkDownload(b, onDisk(b), size) })
	}
}

func benchmarkDownload(b *testing.B, store blob.Store, size int64) {
	engine := content.New(content.Config{Blobs: store, Ledger: &yes{}, Logger: slog.New(slog.DiscardHandler)})
	if _, err := engine.Upload(b.Context(), specFor("/a"), io.LimitReader(pattern{}, size)); err != nil {
		b.Fatal(err)
	}
	req := pathRequest("/a")
	b.SetBytes(size)
	b.ReportAllocs()
	defer reportCPU(b, size)()
	for b.Loop() {
		err := engine.Download(b.Context(), req, func(*storagev1.DownloadHeader) (io.Writer, error) { return io.Discard, nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}

// pattern is a body that costs nothing to read.
type pattern struct{}

func (pattern) Read(p []byte) (int, error) { return len(p), nil }

// reportCPU reports the processor time of the whole process: in microseconds
// per call for small contents, in seconds per GiB for large ones.
func reportCPU(b *testing.B, size int64) func() {
	before := cpu(b)
	return func() {
		used := cpu(b) - before
		if size < 1<<20 {
			b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-µs/op")
			return
		}
		gib := float64(size) * float64(b.N) / (1 << 30)
		b.ReportMetric(used.Seconds()/gib, "cpu-s/GiB")
	}
}

func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
