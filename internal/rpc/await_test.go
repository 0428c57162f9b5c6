package rpc_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/loopback"
	"github.com/holdfast-files/holdfast/internal/rpc"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/grpc"
)

// A target that comes later than its caller is waited for.
func TestAwaitReady(t *testing.T) {
	free, err := loopback.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	address := free[0]
	conn := dial(t, address, rpc.DialConfig{})
	client := ledgerv1.NewLedgerServiceClient(conn)
	if _, err := client.Locate(t.Context(), request); err == nil {
		t.Fatal("nobody is there, and there is an answer")
	}
	again, err := rpc.Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, again[0], rpc.Config{Logger: slog.New(slog.DiscardHandler)}, func(r grpc.ServiceRegistrar) {
		ledgerv1.RegisterLedgerServiceServer(r, ledger{locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
			return response, nil
		}})
	})
	var log bytes.Buffer
	rpc.AwaitReady(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), conn)
	if _, err := client.Locate(t.Context(), request); err != nil || log.Len() > 0 {
		t.Errorf("the first call after the wait: %v %s", err, log.String())
	}
}

// One that does not come is not waited for forever.
func TestAwaitReadyEnds(t *testing.T) {
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	conn := dial(t, lis.Addr().String(), rpc.DialConfig{})
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	rpc.AwaitReady(ctx, slog.New(slog.NewTextHandler(&log, nil)), conn)
	if !bytes.Contains(log.Bytes(), []byte(lis.Addr().String())) {
		t.Errorf("the log does not tell: %q", log.String())
	}
}
