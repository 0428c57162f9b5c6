package rpc

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// bound returns lis with at most n connections open at a time; further ones
// wait in the backlog of the kernel. Accept must not be called concurrently.
//
// It hands out connections as they are: gRPC keeps a read buffer for each idle
// connection that is not a bare *net.TCPConn. So nobody tells when one closes,
// and they are looked at when there are too many.
func bound(lis net.Listener, n int) net.Listener {
	return &boundListener{Listener: lis, max: n, closed: make(chan struct{})}
}

type boundListener struct {
	net.Listener
	max    int
	open   []syscall.Conn
	closed chan struct{}
	once   sync.Once
}

// How often the connections are looked at while there are too many.
const boundInterval = 50 * time.Millisecond

func (l *boundListener) Accept() (net.Conn, error) {
	for len(l.open) >= l.max && l.forgetClosed() >= l.max {
		select {
		case <-l.closed:
			return nil, net.ErrClosed
		case <-time.After(boundInterval):
		}
	}
	conn, err := l.Listener.Accept()
	if sc, ok := conn.(syscall.Conn); ok && err == nil {
		l.open = append(l.open, sc)
	}
	return conn, err
}

func (l *boundListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// forgetClosed returns how many connections are open.
func (l *boundListener) forgetClosed() int {
	open := l.open[:0]
	for _, c := range l.open {
		if isOpen(c) {
			open = append(open, c)
		}
	}
	clear(l.open[len(open):])
	l.open = open
	return len(open)
}

func isOpen(c syscall.Conn) bool {
	raw, err := c.SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) == nil
}
