package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpchealth "google.golang.org/grpc/health/grpc_health_v1"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/holdfast-files/holdfast/internal/rpc"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/memtable"
	"github.com/holdfast-files/holdfast/services/metadata/server"
)

// streams is a service with streams that somebody registers at a door of
// metadata's and gives no rule.
type streams struct {
	storagev1.UnimplementedContentServiceServer
	t *testing.T
}

func (s streams) Upload(grpc.ClientStreamingServer[storagev1.UploadRequest, storagev1.UploadResponse]) error {
	s.t.Error("a stream from the client reached its handler")
	return nil
}

func (s streams) Download(*storagev1.DownloadRequest, grpc.ServerStreamingServer[storagev1.DownloadResponse]) error {
	s.t.Error("a stream to the client reached its handler")
	return nil
}

// A stream that nobody has a rule for is refused, also in open mode and whatever
// is registered; those that tell about the server itself are answered.
func TestStreamsAreDenied(t *testing.T) {
	service, err := server.New(t.Context(), server.Config{
		Table: memtable.New(time.Now), Logger: slog.New(slog.DiscardHandler), Retention: server.Retention{
			TrashRetention: time.Hour, BlobRetention: time.Hour, UploadLifetime: time.Hour, UploadExpiry: time.Hour, SweepGrace: time.Minute,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	door := rpc.New(rpc.Config{
		Logger: slog.New(slog.DiscardHandler), Name: "metadata", Reflection: true,
		Unary: service.Dispatcher(), Stream: service.StreamDispatcher(),
	})
	service.Register(door)
	storagev1.RegisterContentServiceServer(door, streams{t: t})
	listeners, err := rpc.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- door.Serve(listeners[0]) }()
	conn, err := grpc.NewClient(listeners[0].Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(conn.Close(), door.Drain(context.WithoutCancel(t.Context())), <-served); err != nil {
			t.Error(err)
		}
	}()
	content := storagev1.NewContentServiceClient(conn)
	up, err := content.Upload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := up.CloseAndRecv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("a stream from the client: %v", err)
	}
	down, err := content.Download(t.Context(), new(storagev1.DownloadRequest))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := down.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("a stream to the client: %v", err)
	}
	watch, err := grpchealth.NewHealthClient(conn).Watch(t.Context(), new(grpchealth.HealthCheckRequest))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Errorf("health: %v", err)
	}
	shown, err := reflection.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := &reflection.ServerReflectionRequest{MessageRequest: &reflection.ServerReflectionRequest_ListServices{}}
	if err := shown.Send(ask); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if _, err := shown.Recv(); err != nil {
		t.Errorf("reflection: %v", err)
	}
}
