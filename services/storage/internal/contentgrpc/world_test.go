package contentgrpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/rpc"
	"github.com/holdfast-files/holdfast/internal/wire"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/content"
	"github.com/holdfast-files/holdfast/services/storage/internal/contentgrpc"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

// world is the service behind a real connection.
type world struct {
	tb     testing.TB
	store  *faultblob.Store
	ledger *ledgertest.Ledger
	client storagev1.ContentServiceClient
	engine *content.Engine

	resumable storagev1.ResumableServiceClient
}

func newWorld(tb testing.TB, idle time.Duration, ledgerFault func(method string) ledgertest.Fault) *world {
	tb.Helper()
	store := faultblob.New(tb)
	ledger := ledgertest.New(tb, store)
	quiet := slog.New(slog.DiscardHandler)
	engine := content.New(content.Config{Blobs: store, Ledger: ledger.Client(ledgerFault), Logger: quiet})
	server := rpc.New(rpc.Config{Logger: quiet, Name: "storage"})
	service := contentgrpc.New(engine, idle)
	storagev1.RegisterContentServiceServer(server, service)
	storagev1.RegisterResumableServiceServer(server, service)
	listeners, err := rpc.Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listeners[0]) }()
	conn, err := rpc.Dial(listeners[0].Addr().String(), rpc.DialConfig{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = conn.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(server.Drain(ctx), <-served); err != nil {
			tb.Errorf("drain: %v", err)
		}
		ledger.Check()
	})
	return &world{
		tb: tb, store: store, ledger: ledger, engine: engine,
		client: storagev1.NewContentServiceClient(conn), resumable: storagev1.NewResumableServiceClient(conn),
	}
}

// upload sends data as a client would.
func (w *world) upload(ctx context.Context, spec *storagev1.UploadSpec, data []byte) (*storagev1.UploadResponse, error) {
	stream, err := w.client.Upload(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(specMessage(spec)); err != nil {
		_, err = stream.CloseAndRecv()
		return nil, err
	}
	chunks := wire.NewWriter(stream, nil)
	_, err = io.Copy(chunks, bytes.NewReader(data))
	if err == nil {
		err = chunks.Close()
	}
	if err != nil && !errors.Is(err, wire.ErrStreamEnded) {
		return nil, err
	}
	return stream.CloseAndRecv()
}

// download receives contents as a client would.
func (w *world) download(ctx context.Context, req *storagev1.DownloadRequest) (*storagev1.DownloadHeader, []byte, error) {
	stream, err := w.client.Download(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	first, err := stream.Recv()
	if err != nil {
		return nil, nil, err
	}
	header := first.GetHeader()
	ranges := header.GetRanges()
	if ranges == nil && header.GetOutcome() == storagev1.DownloadHeader_FULL && !req.GetHeaderOnly() {
		ranges = []*storagev1.ByteRange{{Length: header.GetRevision().GetSizeBytes()}}
	}
	if ranges == nil {
		ranges = []*storagev1.ByteRange{}
	}
	data, err := io.ReadAll(wire.NewReader(stream, ranges))
	return header, data, err
}

// settled waits until the ledger has no intent and the store no blob.
func (w *world) settled() {
	w.tb.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for w.ledger.Pending() != 0 || len(w.store.IDs()) != 0 {
		if time.Now().After(deadline) {
			w.tb.Fatalf("still %d pending and %d blobs", w.ledger.Pending(), len(w.store.IDs()))
		}
		<-time.After(time.Millisecond)
	}
	w.ledger.Check()
}

func aSpec() *storagev1.UploadSpec {
	return &storagev1.UploadSpec{Target: &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Space: "spaces/s", Path: "/a"}}}
}

func request() *storagev1.DownloadRequest {
	return &storagev1.DownloadRequest{Source: &storagev1.DownloadRequest_Path{Path: &storagev1.PathTarget{Space: "spaces/s", Path: "/a"}}}
}

func specMessage(spec *storagev1.UploadSpec) *storagev1.UploadRequest {
	return &storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Spec{Spec: spec}}
}

// data returns n bytes that do not repeat within a chunk.
func data(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}
