package rest_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/holdfast-files/holdfast/gateway/rest"
)

// inBubble runs a test in a bubble, over HTTP/1.1 and over HTTP/2: its time passes
// when everybody waits, connections are pipes, which hold no byte that has not been
// read, and the client takes little more than what the test reads.
func inBubble(t *testing.T, cfg rest.Config, test func(t *testing.T, r *rig)) {
	for _, proto := range []string{"HTTP 1", "HTTP 2"} {
		t.Run(proto, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lis := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
				w := newWorld()
				r := serveOn(t, lis, &http.Transport{
					DialContext: lis.dial, HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10},
				}, w, inProcess(w, cfg))
				if proto == "HTTP 2" {
					r.overHTTP2()
				}
				test(t, r)
			})
		})
	}
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }
