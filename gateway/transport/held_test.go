package transport_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/gateway/transport"
)

// counted is a listener whose connections count how often they are written to.
type counted struct {
	net.Listener
	writes atomic.Int64
}

func (c *counted) Accept() (net.Conn, error) {
	accepted, err := c.Listener.Accept()
	return countedConn{accepted, &c.writes}, err
}

type countedConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// The beginning of an answer that is larger than net/http's buffer waits for the rest
// of it, also when the handler says how long writing may take, and each answer arrives
// whole.
func TestBeginningOfAnAnswerIsHeldBack(t *testing.T) {
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	all := &counted{Listener: lis}
	body := bytes.Repeat([]byte("0123456789abcdef"), 256)
	before := make(chan int64, 1)
	server := transport.NewServer(transport.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		all.writes.Store(0)
		for range 2 {
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
			}
		}
		if _, err := w.Write(body); err != nil {
			t.Error(err)
		}
		before <- all.writes.Load()
	})})
	done := make(chan error, 1)
	go func() { done <- server.Serve(transport.Limit(all, transport.Connections{})) }()
	client := new(http.Client)
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+lis.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes arrived, %v", len(got), err)
		}
		if writes := <-before; writes != 0 {
			t.Errorf("%d writes before the handler was through", writes)
		}
	}
	client.CloseIdleConnections()
	if err := errors.Join(server.Close(), <-done); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
