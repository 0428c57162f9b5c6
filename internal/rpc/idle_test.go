package rpc_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/internal/rpc"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// handed is a listener of one connection.
type handed struct{ conns chan net.Conn }

func (l handed) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l handed) Close() error { close(l.conns); return nil }
func (handed) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// A connection without calls is closed after five minutes, though its peer answers
// every ping and sends some of its own as our clients do.
func TestIdleConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		lis := handed{make(chan net.Conn, 1)}
		lis.conns <- theirs
		s := rpc.New(rpc.Config{Logger: slog.New(slog.DiscardHandler)})
		served := make(chan error, 1)
		go func() { served <- s.Serve(lis) }()
		begin := time.Now()
		stayAlive(t, ours)
		if took := time.Since(begin); took < 5*time.Minute || took > 6*time.Minute { // of the bubble
			t.Errorf("closed after %v", took)
		}
		if err := s.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// stayAlive does what HTTP/2 asks of a client that calls nothing, until the server
// closes the connection.
func stayAlive(t *testing.T, conn net.Conn) {
	t.Helper()
	defer conn.Close()
	frames := http2.NewFramer(conn, conn)
	replies := make(chan func() error, 16) // a pipe holds nothing: who writes must not have to read
	written := make(chan struct{})
	go func() {
		defer close(written)
		pings := time.NewTicker(20 * time.Second)
		defer pings.Stop()
		if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
			return
		}
		for write, ok := func() error { return frames.WriteSettings() }, true; ok; {
			if write() != nil {
				break
			}
			select {
			case write, ok = <-replies:
			case <-pings.C:
				write = func() error { return frames.WritePing(false, [8]byte{1}) }
			}
		}
		for range replies { // nobody reads them any more
			continue
		}
	}()
	for {
		frame, err := frames.ReadFrame()
		if err != nil {
			break
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				replies <- frames.WriteSettingsAck
			}
		case *http2.PingFrame:
			if data := f.Data; !f.IsAck() {
				replies <- func() error { return frames.WritePing(true, data) }
			}
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				t.Errorf("told to go: %v, %s", f.ErrCode, f.DebugData())
			}
		}
	}
	close(replies)
	<-written
}

// ends tells of each connection of a client that ends.
type ends chan struct{}

func (ends) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (ends) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (ends) HandleRPC(context.Context, stats.RPCStats)                         {}

func (e ends) HandleConn(_ context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); ok {
		select {
		case e <- struct{}{}:
		default:
		}
	}
}

// No call of our clients fails when connections end under them all the time, also
// one that is not repeated.
func TestCallsOutliveIdleConnections(t *testing.T) {
	s := serve(t, rpc.Config{MaxConnectionIdle: time.Millisecond}, func(r grpc.ServiceRegistrar) {
		ledgerv1.RegisterLedgerServiceServer(r, answering(response))
	})
	ended := make(ends, 100)
	client := ledgerv1.NewLedgerServiceClient(dial(t, s.address, rpc.DialConfig{Stats: []stats.Handler{ended}}))
	for call := range 500 {
		if _, err := client.Locate(t.Context(), &ledgerv1.LocateRequest{}); err != nil {
			t.Fatalf("call %d: %v", call, err)
		}
		if call%10 == 9 {
			<-ended
		}
	}
}
