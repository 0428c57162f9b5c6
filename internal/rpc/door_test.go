package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/holdfast-files/holdfast/internal/logging"
	"github.com/holdfast-files/holdfast/internal/rpc"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
)

// ledger is a service whose one unary method is a function.
type ledger struct {
	ledgerv1.UnimplementedLedgerServiceServer
	locate func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error)
}

func (l ledger) Locate(ctx context.Context, req *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
	return l.locate(ctx, req)
}

// content is a service whose stream is a function.
type content struct {
	storagev1.UnimplementedContentServiceServer
	download func(*storagev1.DownloadRequest, grpc.ServerStreamingServer[storagev1.DownloadResponse]) error
}

func (c content) Download(req *storagev1.DownloadRequest, s grpc.ServerStreamingServer[storagev1.DownloadResponse]) error {
	return c.download(req, s)
}

// journal is a log to look into.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) logger() *slog.Logger { return logging.New(j, slog.LevelDebug) }

// calls returns the lines of the log that are about calls.
func (j *journal) calls(t *testing.T) []map[string]any {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var lines []map[string]any
	for _, line := range bytes.Split(bytes.TrimSpace(j.buf.Bytes()), []byte("\n")) {
		var fields map[string]any
		if len(line) == 0 {
			continue
		}
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if fields["msg"] == "call" {
			lines = append(lines, fields)
		}
	}
	return lines
}

// running is a Server that takes calls.
type running struct {
	*rpc.Server
	address string
	served  chan error
}

// serve starts a Server with what register registers. The end of the test
// drains it.
func serve(t testing.TB, cfg rpc.Config, register func(grpc.ServiceRegistrar)) *running {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	listeners, err := rpc.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, listeners[0], cfg, register)
}

func serveOn(t testing.TB, lis net.Listener, cfg rpc.Config, register func(grpc.ServiceRegistrar)) *running {
	t.Helper()
	r := &running{Server: rpc.New(cfg), address: lis.Addr().String(), served: make(chan error, 1)}
	register(r)
	go func() { r.served <- r.Serve(lis) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.Drain(ctx)
		if err := <-r.served; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	return r
}

func dial(t testing.TB, address string, cfg rpc.DialConfig) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.Dial(address, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// door opens a way to a ledger through a door with the Config.
type door func(t testing.TB, cfg rpc.Config, impl ledger) ledgerv1.LedgerServiceClient

// doors are the ways in, which are to be alike.
var doors = map[string]door{
	"Server": func(t testing.TB, cfg rpc.Config, impl ledger) ledgerv1.LedgerServiceClient {
		s := serve(t, cfg, func(r grpc.ServiceRegistrar) { ledgerv1.RegisterLedgerServiceServer(r, impl) })
		return ledgerv1.NewLedgerServiceClient(dial(t, s.address, rpc.DialConfig{}))
	},
	"Local": func(_ testing.TB, cfg rpc.Config, impl ledger) ledgerv1.LedgerServiceClient {
		if cfg.Logger == nil {
			cfg.Logger = slog.New(slog.DiscardHandler)
		}
		l := rpc.NewLocal(cfg)
		ledgerv1.RegisterLedgerServiceServer(l, impl)
		return ledgerv1.NewLedgerServiceClient(l)
	},
}

// throughEach runs a test once for each door.
func throughEach(t *testing.T, test func(t *testing.T, open door)) {
	for name, open := range doors {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}
