package rpc_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"github.com/holdfast-files/holdfast/internal/rpc"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	healthv1 "github.com/holdfast-files/holdfast/proto/holdfast/health/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
	grpchealth "google.golang.org/grpc/health/grpc_health_v1"
)

func none(grpc.ServiceRegistrar) {}

// streaming serves a download that is a function and returns a client of it.
func streaming(t *testing.T, cfg rpc.Config, download func(*storagev1.DownloadRequest, grpc.ServerStreamingServer[storagev1.DownloadResponse]) error) (*running, storagev1.ContentServiceClient) {
	t.Helper()
	s := serve(t, cfg, func(r grpc.ServiceRegistrar) {
		storagev1.RegisterContentServiceServer(r, content{download: download})
	})
	return s, storagev1.NewContentServiceClient(dial(t, s.address, rpc.DialConfig{}))
}

func TestErrorsOfStreamsAreFaults(t *testing.T) {
	log := new(journal)
	_, client := streaming(t, rpc.Config{Logger: log.logger()}, func(req *storagev1.DownloadRequest, s grpc.ServerStreamingServer[storagev1.DownloadResponse]) error {
		if err := s.Send(&storagev1.DownloadResponse{}); err != nil {
			return err
		}
		switch req.GetFile() {
		case "panic":
			panic("nil map")
		case "internal":
			return errSecret
		}
		return fault.Wrap(errSecret, errorsv1.Reason_REASON_DATA_LOSS, "bad block")
	})
	for file, want := range map[string]fault.Reason{
		"panic":    errorsv1.Reason_REASON_INTERNAL,
		"internal": errorsv1.Reason_REASON_INTERNAL,
		"fault":    errorsv1.Reason_REASON_DATA_LOSS,
	} {
		stream, err := client.Download(t.Context(), &storagev1.DownloadRequest{Source: &storagev1.DownloadRequest_File{File: file}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); fault.ReasonOf(err) != want || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", file, err)
		}
	}
	if lines := log.calls(t); len(lines) != 3 {
		t.Errorf("%d lines for 3 calls", len(lines))
	}
}

func TestStreamInterceptorsStandBeforeTheHandler(t *testing.T) {
	refuse := func(_ any, _ grpc.ServerStream, info *grpc.StreamServerInfo, _ grpc.StreamHandler) error {
		return fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED, "not %s", info.FullMethod)
	}
	pass := func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		return next(srv, s)
	}
	_, client := streaming(t, rpc.Config{Stream: []grpc.StreamServerInterceptor{pass, refuse}}, nil)
	stream, err := client.Download(t.Context(), &storagev1.DownloadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); fault.ReasonOf(err) != errorsv1.Reason_REASON_PERMISSION_DENIED {
		t.Errorf("got %v", err)
	}
}

func TestAMessageThatIsTooLarge(t *testing.T) {
	s := serve(t, rpc.Config{MaxRecvBytes: 1000}, func(r grpc.ServiceRegistrar) {
		ledgerv1.RegisterLedgerServiceServer(r, answering(response))
	})
	client := ledgerv1.NewLedgerServiceClient(dial(t, s.address, rpc.DialConfig{}))
	_, err := client.Locate(t.Context(), &ledgerv1.LocateRequest{Revision: strings.Repeat("x", 1001)})
	if !errors.Is(err, fault.TooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestHealthAndReadinessFollowTheReadiness(t *testing.T) {
	refuse := func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
		return nil, fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "who are you?")
	}
	log := new(journal)
	readiness := new(lifecycle.Readiness)
	s := serve(t, rpc.Config{Readiness: readiness, Unary: []grpc.UnaryServerInterceptor{refuse}, Logger: silent(log)}, none)
	conn := dial(t, s.address, rpc.DialConfig{})
	for _, ready := range []bool{false, true, false} {
		readiness.Set(ready)
		want, reason := grpchealth.HealthCheckResponse_NOT_SERVING, errorsv1.Reason_REASON_UNAVAILABLE
		if ready {
			want = grpchealth.HealthCheckResponse_SERVING
		}
		got, err := grpchealth.NewHealthClient(conn).Check(t.Context(), &grpchealth.HealthCheckRequest{})
		if err != nil || got.GetStatus() != want {
			t.Errorf("ready %t: health says %v, %v", ready, got, err)
		}
		_, err = healthv1.NewReadinessServiceClient(conn).Check(t.Context(), &healthv1.CheckRequest{})
		if ready && err != nil || !ready && fault.ReasonOf(err) != reason {
			t.Errorf("ready %t: readiness says %v", ready, err)
		}
	}
	if lines := log.calls(t); len(lines) != 0 {
		t.Errorf("probes are logged: %v", lines)
	}
}

func TestDrainFinishesTheCallsInHand(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s, client := streaming(t, rpc.Config{}, func(_ *storagev1.DownloadRequest, s grpc.ServerStreamingServer[storagev1.DownloadResponse]) error {
		close(entered)
		<-release
		return s.Send(&storagev1.DownloadResponse{})
	})
	stream, err := client.Download(t.Context(), &storagev1.DownloadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	// Somebody who watches the health does not hold up the drain.
	watch, err := grpchealth.NewHealthClient(dial(t, s.address, rpc.DialConfig{})).Watch(t.Context(), &grpchealth.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := watch.Recv(); err != nil || got.GetStatus() != grpchealth.HealthCheckResponse_SERVING {
		t.Fatalf("health says %v, %v", got, err)
	}
	<-entered
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(t.Context()) }()
	for err = nil; err == nil; { // until the watch ends
		_, err = watch.Recv()
	}
	select {
	case err := <-drained:
		t.Fatalf("drained before the call was done: %v", err)
	default:
	}
	close(release)
	if _, err := stream.Recv(); err != nil {
		t.Errorf("the call in hand: %v", err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the call in hand ended with %v", err)
	}
	if err := <-drained; err != nil {
		t.Errorf("Drain returned %v", err)
	}
	if _, err := dialAndCheck(t, s.address); fault.ReasonOf(err) != errorsv1.Reason_REASON_UNAVAILABLE {
		t.Errorf("a new call after the drain: %v", err)
	}
}

func dialAndCheck(t *testing.T, address string) (*healthv1.CheckResponse, error) {
	t.Helper()
	return healthv1.NewReadinessServiceClient(dial(t, address, rpc.DialConfig{})).Check(t.Context(), &healthv1.CheckRequest{})
}

func TestDrainCutsWhatDoesNotEnd(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	s, client := streaming(t, rpc.Config{}, func(_ *storagev1.DownloadRequest, s grpc.ServerStreamingServer[storagev1.DownloadResponse]) error {
		defer close(left)
		close(entered)
		<-s.Context().Done()
		return s.Context().Err()
	})
	stream, err := client.Download(t.Context(), &storagev1.DownloadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain returned %v", err)
	}
	select {
	case <-left:
	default:
		t.Error("the handler still runs after Drain")
	}
	if _, err := stream.Recv(); fault.ReasonOf(err) != errorsv1.Reason_REASON_UNAVAILABLE {
		t.Errorf("the call that was cut: %v", err)
	}
}

func TestComponentServesAndDrains(t *testing.T) {
	listeners, err := rpc.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := rpc.New(rpc.Config{Name: "metadata", Logger: silent(io.Discard)})
	c := s.Component(listeners[0])
	ran := make(chan error, 1)
	go func() { ran <- c.Run(t.Context()) }()
	if _, err := dialAndCheck(t, listeners[0].Addr().String()); err != nil {
		t.Error(err)
	}
	if err := c.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ran; err != nil || c.Name != "metadata" {
		t.Errorf("%s ended with %v", c.Name, err)
	}
}

func TestListenOpensAllOrNone(t *testing.T) {
	first, err := rpc.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := first[0].Addr().String()
	if _, err := rpc.Listen(t.Context(), "127.0.0.1:0", taken); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("got %v", err)
	}
	if err := first[0].Close(); err != nil {
		t.Error(err)
	}
}
