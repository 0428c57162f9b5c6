package rpc

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-files/holdfast/internal/throttle"
)

// bound returns lis with at most cfg.MaxConnections connections open at a time;
// further ones wait in the backlog of the kernel. Those of one address beyond
// cfg.AddressConnections are closed, unless it is that of a trusted peer. Accept
// must not be called concurrently.
//
// It hands out connections as they are: gRPC keeps a read buffer for each idle
// connection that is not a bare *net.TCPConn. So nobody tells when one closes,
// and they are looked at when there are too many.
func bound(lis net.Listener, cfg Config) net.Listener {
	return &boundListener{
		Listener: lis, max: cfg.MaxConnections, each: cfg.AddressConnections, trusted: cfg.TrustedPeers,
		open: make(map[string][]syscall.Conn), closed: make(chan struct{}),
	}
}

type boundListener struct {
	net.Listener
	max, each int
	trusted   []netip.Prefix
	open      map[string][]syscall.Conn // by client, "" for those that are not bounded
	count     int                       // of all in open
	closed    chan struct{}
	once      sync.Once
}

// How often the connections are looked at while there are too many.
const boundInterval = 50 * time.Millisecond

func (l *boundListener) Accept() (net.Conn, error) {
	for {
		for l.count >= l.max && l.forgetClosed() >= l.max {
			select {
			case <-l.closed:
				return nil, net.ErrClosed
			case <-time.After(boundInterval):
			}
		}
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		sc, ok := conn.(syscall.Conn)
		if !ok {
			return conn, nil
		}
		client := l.client(conn)
		if client != "" && len(l.open[client]) >= l.each && l.forgetClosedOf(client) >= l.each {
			_ = conn.Close() // there is nobody to tell
			continue
		}
		l.open[client] = append(l.open[client], sc)
		l.count++
		return conn, nil
	}
}

// client returns what stands for whoever opened a connection; "" when he is not
// bounded.
func (l *boundListener) client(conn net.Conn) string {
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return ""
	}
	addr := from.Addr().Unmap().WithZone("")
	for _, p := range l.trusted {
		if p.Contains(addr) {
			return ""
		}
	}
	return throttle.Client(addr.String())
}

func (l *boundListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// forgetClosed returns how many connections are open.
func (l *boundListener) forgetClosed() int {
	for client := range l.open {
		l.forgetClosedOf(client)
	}
	return l.count
}

// forgetClosedOf returns how many connections of a client are open.
func (l *boundListener) forgetClosedOf(client string) int {
	all := l.open[client]
	open := all[:0]
	for _, c := range all {
		if isOpen(c) {
			open = append(open, c)
		}
	}
	clear(all[len(open):])
	l.count -= len(all) - len(open)
	if len(open) == 0 {
		delete(l.open, client)
		return 0
	}
	l.open[client] = open
	return len(open)
}

func isOpen(c syscall.Conn) bool {
	raw, err := c.SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) == nil
}
