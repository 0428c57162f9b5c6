// Package faultproxy stands between a client and a server and breaks their
// connections, as bad networks do: in the middle of what is sent, and after a
// request had its effect but before its answer came.
package faultproxy

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
)

// Config says what a Proxy breaks.
type Config struct {
	// Server is the address of the server, host:port.
	Server string
	// Cuts is how many connections are broken; those after that live.
	Cuts int
	// MinBytes and MaxBytes bound what a client may send over a connection before
	// it is broken.
	MinBytes, MaxBytes int64
	// Seed makes the breaks repeatable as far as the client's doings are.
	Seed uint64
	// Passed, when not nil, is called with the number of bytes that clients have
	// sent in all, as soon as they are passed on and before more are.
	Passed func(bytes int64)
}

// Proxy is a proxy on a port of loopback.
type Proxy struct {
	// Address is where clients connect to, host:port.
	Address string

	config Config
	lis    net.Listener
	cuts   atomic.Int64
	sent   atomic.Int64
	open   sync.WaitGroup

	mu     sync.Mutex
	random *rand.Rand
	conns  map[net.Conn]struct{}
}

// Start starts a Proxy.
func Start(config Config) (*Proxy, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ended by Close
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		Address: lis.Addr().String(), config: config, lis: lis,
		random: rand.New(rand.NewPCG(config.Seed, 0)), conns: map[net.Conn]struct{}{},
	}
	p.open.Go(p.accept)
	return p, nil
}

// Cuts returns how many connections were broken.
func (p *Proxy) Cuts() int { return int(p.cuts.Load()) }

// Sent returns how many bytes clients have sent.
func (p *Proxy) Sent() int64 { return p.sent.Load() }

// counted is a connection to the server that counts what is passed on.
type counted struct {
	net.Conn
	proxy *Proxy
}

// Write passes bytes on.
func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	sent := c.proxy.sent.Add(int64(n))
	if c.proxy.config.Passed != nil {
		c.proxy.config.Passed(sent)
	}
	return n, err
}

// Close ends the proxy and what goes through it.
func (p *Proxy) Close() error {
	err := p.lis.Close()
	p.mu.Lock()
	for c := range p.conns {
		err = errors.Join(err, c.Close())
	}
	p.mu.Unlock()
	p.open.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.lis.Accept()
		if err != nil {
			return
		}
		p.open.Go(func() { p.serve(client) })
	}
}

// plan is what happens to one connection.
type plan struct {
	bytes  int64 // from the client, until it breaks; below 0 for never
	answer bool  // it breaks when the server next answers, rather than at once
	reset  bool  // by a RST, rather than as if it had ended
}

func (p *Proxy) plan() plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Cuts() >= p.config.Cuts {
		return plan{bytes: -1}
	}
	span := p.config.MaxBytes - p.config.MinBytes + 1
	return plan{
		bytes:  p.config.MinBytes + p.random.Int64N(span),
		answer: p.random.IntN(4) == 0,
		reset:  p.random.IntN(2) == 0,
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer p.forget(client)
	server, err := net.Dial("tcp", p.config.Server) //nolint:noctx // loopback
	if err != nil {
		return
	}
	defer p.forget(server)
	p.mu.Lock()
	p.conns[client], p.conns[server] = struct{}{}, struct{}{}
	p.mu.Unlock()

	plan := p.plan()
	var both sync.WaitGroup
	var due atomic.Bool
	both.Go(func() {
		err := p.forward(counted{server, p}, client, plan, &due)
		if err == nil { // the client has said all: the answer may still come
			_ = server.(*net.TCPConn).CloseWrite()
			return
		}
		p.breakUp(client, server, plan.reset)
	})
	both.Go(func() {
		if p.answer(client, server, &due) {
			p.breakUp(client, server, plan.reset)
		}
		_, _ = client.Close(), server.Close()
	})
	both.Wait()
}

var errCut = errors.New("cut")

// forward passes on what the client sends, up to where the connection breaks.
func (p *Proxy) forward(server, client net.Conn, plan plan, due *atomic.Bool) error {
	if plan.bytes < 0 {
		_, err := io.Copy(server, client)
		return err
	}
	if _, err := io.CopyN(server, client, plan.bytes); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	if !plan.answer {
		p.cuts.Add(1)
		return errCut
	}
	due.Store(true)
	if _, err := io.CopyN(server, client, p.config.MaxBytes); err != nil { // the answer broke it, or the client is done
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	p.cuts.Add(1) // the answer takes too long to wait for
	return errCut
}

// answer passes on what the server sends, and reports whether an answer was due
// to be lost.
func (p *Proxy) answer(client, server net.Conn, due *atomic.Bool) bool {
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if n > 0 && due.Load() {
			p.cuts.Add(1)
			return true
		}
		if n > 0 {
			if _, err := client.Write(buf[:n]); err != nil {
				return false
			}
		}
		if err != nil {
			return false
		}
	}
}

func (p *Proxy) breakUp(client, server net.Conn, reset bool) {
	for _, c := range []net.Conn{client, server} {
		if reset {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		_ = c.Close()
	}
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	_ = c.Close()
}
