package rpc

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
)

// endless is a listener that always has one more connection.
type endless struct {
	net.Listener
	accepted atomic.Int32
	from     func(n int32) string // whence the nth connection comes
}

func (l *endless) Accept() (net.Conn, error) {
	return &fakeConn{from: l.from(l.accepted.Add(1))}, nil
}

func (l *endless) Close() error { return nil }

// fakeConn is a connection of which the kernel tells whether it is open.
type fakeConn struct {
	net.Conn
	from   string
	closed atomic.Bool
}

func (c *fakeConn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.from), 4711))
}

func (c *fakeConn) Close() error {
	c.closed.Store(true)
	return nil
}

func (c *fakeConn) SyscallConn() (syscall.RawConn, error) { return fakeRawConn{c: c}, nil }

type fakeRawConn struct {
	syscall.RawConn
	c *fakeConn
}

func (r fakeRawConn) Control(f func(uintptr)) error {
	if r.c.closed.Load() {
		return net.ErrClosed
	}
	f(0)
	return nil
}

func TestBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &endless{from: anywhere}
		lis := bound(inner, Config{MaxConnections: 2, AddressConnections: 1})
		first := accept(t, lis)
		accept(t, lis)
		third := make(chan net.Conn)
		go func() { third <- accept(t, lis) }()
		synctest.Wait()
		if n := inner.accepted.Load(); n != 2 {
			t.Fatalf("%d connections at a time", n)
		}
		_ = first.Close()
		if conn := <-third; conn == first {
			t.Error("the connection that closed came again")
		}
	})
}

// anywhere has each connection come from another address.
func anywhere(n int32) string { return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}).String() }

// Of one address there are only so many connections, which take nobody's turn. A
// peer that is trusted has as many as there are.
func TestBoundOfAddresses(t *testing.T) {
	cfg := Config{MaxConnections: 64}.withDefaults()
	cfg.TrustedPeers = append(cfg.TrustedPeers, netip.MustParsePrefix("10.0.0.0/8"))
	for from, most := range map[string]int{"192.0.2.1": 8, "::ffff:192.0.2.1": 8, "2001:db8::1": 8, "10.1.2.3": 20, "127.0.0.1": 20, "::1": 20} {
		inner := &endless{from: func(n int32) string {
			if n <= 20 {
				return from
			}
			return anywhere(n)
		}}
		lis := bound(inner, cfg)
		var of []net.Conn
		for inner.accepted.Load() < 20 {
			of = append(of, accept(t, lis))
		}
		if last := of[len(of)-1].(*fakeConn); last.from != from {
			of = of[:len(of)-1]
		}
		if len(of) != most {
			t.Errorf("%d connections from %s, want %d", len(of), from, most)
		}
		if most == 20 {
			continue
		}
		_ = of[3].Close()
		inner.accepted.Store(0)
		if again := accept(t, lis).(*fakeConn); again.from != from {
			t.Errorf("%s is refused although one of its own has closed", from)
		}
	}
}

func TestCloseEndsAnAcceptThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lis := bound(&endless{from: anywhere}, Config{MaxConnections: 1, AddressConnections: 1})
		accept(t, lis)
		ended := make(chan error, 1)
		go func() {
			_, err := lis.Accept()
			ended <- err
		}()
		synctest.Wait()
		_ = lis.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept returned %v", err)
		}
	})
}

func accept(t *testing.T, lis net.Listener) net.Conn {
	t.Helper()
	conn, err := lis.Accept()
	if err != nil {
		t.Error(err)
	}
	return conn
}

// A real connection is handed out bare, and is seen to close.
func TestBoundOfTCP(t *testing.T) {
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	client, err := new(net.Dialer).DialContext(t.Context(), "tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	lis := bound(inner, Config{MaxConnections: 2}.withDefaults()).(*boundListener)
	conn := accept(t, lis)
	if _, bare := conn.(*net.TCPConn); !bare {
		t.Errorf("Accept returned a %T, of which gRPC keeps a buffer", conn)
	}
	if n := lis.forgetClosed(); n != 1 {
		t.Errorf("%d open, want 1", n)
	}
	_ = conn.Close()
	if n := lis.forgetClosed(); n != 0 {
		t.Errorf("%d open after Close", n)
	}
}
