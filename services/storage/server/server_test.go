package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/rpc"
	"github.com/holdfast-files/holdfast/internal/settings"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
	"github.com/holdfast-files/holdfast/services/storage/server"
	"google.golang.org/grpc"
)

// TestServer runs the whole service behind real connections: an upload, a
// download, a purge, the sweep that follows, and an inspection.
func TestServer(t *testing.T) {
	store := faultblob.New(t)
	ledger := ledgertest.New(t, store)
	quiet := slog.New(slog.DiscardHandler)
	service := server.New(server.Config{
		Blobs: store, Ledger: ledger.Client(nil), Logger: quiet,
		Limits: server.Limits{SweepInterval: time.Millisecond, UploadStall: time.Minute},
	})
	conn := serve(t, service.Register)
	private := serve(t, service.RegisterInspection)
	running(t, service.Run)

	stream, err := storagev1.NewContentServiceClient(conn).Upload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target := &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Space: "spaces/s", Path: "/a"}}
	if err := stream.Send(&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Spec{Spec: &storagev1.UploadSpec{Target: target}}}); err != nil {
		t.Fatal(err)
	}
	// The CRC-32C of "123456789", as every table of checksums has it.
	chunk := &storagev1.Chunk{Data: []byte("123456789"), Crc32C: 0xe3069283}
	if err := stream.Send(&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Chunk{Chunk: chunk}}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CloseAndRecv(); err != nil {
		t.Fatal(err)
	}

	var got strings.Builder
	req := &storagev1.DownloadRequest{Source: &storagev1.DownloadRequest_Path{Path: target.Path}}
	err = service.Content().Download(t.Context(), req, func(*storagev1.DownloadHeader) (io.Writer, error) { return &got, nil })
	if err != nil || got.String() != "123456789" {
		t.Errorf("download: %q, %v", got.String(), err)
	}
	if s := summary(t, private); s.GetBlobCount() != 1 || s.GetRevisionCount() != 1 || s.GetFindingCount() != 0 {
		t.Errorf("summary %v", s)
	}

	ledger.Purge("/a")
	ledger.Advance(25 * time.Hour)
	for len(store.IDs()) != 0 || service.Sweeper().Stats().Finished == 0 {
		<-time.After(time.Millisecond)
	}
	store.Put(ledgerID(t, ledger), []byte("lost"))
	if s := summary(t, private); s.GetBlobCount() != 1 || s.GetFindingCount() != 1 {
		t.Errorf("summary %v", s)
	}
}

// ledgerID returns the id of a blob whose upload was given up.
func ledgerID(t *testing.T, ledger *ledgertest.Ledger) blob.ID {
	t.Helper()
	begun, err := ledger.Begin(t.Context(), &ledgerv1.BeginRequest{Spec: &storagev1.UploadSpec{
		Target: &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Path: "/b"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Abandon(t.Context(), &ledgerv1.AbandonRequest{Grant: begun.GetGrant(), BlobAbsent: true}); err != nil {
		t.Fatal(err)
	}
	return uuid.MustParse(begun.GetBlobId())
}

// summary inspects and returns the last message.
func summary(t *testing.T, conn grpc.ClientConnInterface) *ledgerv1.InspectSummary {
	t.Helper()
	stream, err := ledgerv1.NewInspectionServiceClient(conn).Inspect(t.Context(), &ledgerv1.InspectRequest{Deep: true})
	if err != nil {
		t.Fatal(err)
	}
	var last *ledgerv1.InspectResponse
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last.GetSummary()
		}
		if err != nil {
			t.Fatal(err)
		}
		last = m
	}
}

// serve returns a connection to a server of what register registers.
func serve(t *testing.T, register func(grpc.ServiceRegistrar)) *grpc.ClientConn {
	t.Helper()
	srv := rpc.New(rpc.Config{Logger: slog.New(slog.DiscardHandler), Name: "storage"})
	register(srv)
	listeners, err := rpc.Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listeners[0]) }()
	conn, err := rpc.Dial(listeners[0].Addr().String(), rpc.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), srv.Drain(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// running runs run until the end of the test.
func running(t *testing.T, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
}

func TestLimits(t *testing.T) {
	good := server.Limits{UploadMemory: 1, UploadStall: 1, CommitTimeout: 1, SweepInterval: 1, SweepRate: 0.1, SweepLease: time.Second, OrphanGrace: 1}
	var check settings.Check
	if good.Check(&check); check.Err() != nil {
		t.Error(check.Err())
	}
	for flag, change := range map[string]func(*server.Limits){
		"upload-memory":  func(l *server.Limits) { l.UploadMemory = 0 },
		"upload-stall":   func(l *server.Limits) { l.UploadStall = 0 },
		"commit-timeout": func(l *server.Limits) { l.CommitTimeout = 0 },
		"sweep-interval": func(l *server.Limits) { l.SweepInterval = -1 },
		"sweep-rate":     func(l *server.Limits) { l.SweepRate = 0 },
		"sweep-lease":    func(l *server.Limits) { l.SweepLease = 2 * time.Hour },
		"orphan-grace":   func(l *server.Limits) { l.OrphanGrace = 0 },
	} {
		limits := good
		change(&limits)
		var check settings.Check
		limits.Check(&check)
		if err := check.Err(); err == nil || !strings.Contains(err.Error(), "--"+flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
