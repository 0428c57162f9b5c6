package rpc

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
)

// endless is a listener that always has one more connection.
type endless struct {
	net.Listener
	accepted atomic.Int32
}

func (l *endless) Accept() (net.Conn, error) {
	l.accepted.Add(1)
	return new(fakeConn), nil
}

func (l *endless) Close() error { return nil }

// fakeConn is a connection of which the kernel tells whether it is open.
type fakeConn struct {
	net.Conn
	closed atomic.Bool
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
		inner := new(endless)
		lis := bound(inner, 2)
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

func TestCloseEndsAnAcceptThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lis := bound(new(endless), 1)
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
	lis := &boundListener{Listener: inner, max: 2}
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
