package transport

import (
	"crypto/tls"
	"net"
	"sync"
)

// Limit returns a Listener on lis with at most n connections at a time, 4096
// when n is 0; further ones wait in the backlog of the kernel. Its connections
// are those that NewServer's servers know how to use.
func Limit(lis net.Listener, n int) net.Listener {
	setDefault(&n, 4096)
	return &listener{Listener: lis, slots: make(chan struct{}, n), closed: make(chan struct{})}
}

// Secure returns a Listener on lis that speaks TLS as config says, or lis itself
// when that is nil.
func Secure(lis net.Listener, config *tls.Config) net.Listener {
	if config == nil {
		return lis
	}
	return tls.NewListener(lis, config)
}

type listener struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	accepted, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &conn{Conn: accepted, free: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
