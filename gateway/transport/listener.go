package transport

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"

	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/internal/throttle"
)

// Connections bounds how many there are. They are settings of every program that
// runs the gateway.
type Connections struct {
	MaxConnections     int `help:"HTTP connections at one time; further ones wait." default:"4096" placeholder:"N"`
	AddressConnections int `help:"HTTP connections from one address (of IPv6 its /64) at one time; further ones are closed. 0 for no bound. Trusted proxies are not bounded." default:"1024" placeholder:"N"`
}

// Check checks the settings.
func (c Connections) Check(check *settings.Check) {
	if c.MaxConnections < 1 {
		check.Failf("max-connections", "%d is not above 0", c.MaxConnections)
	}
	if c.AddressConnections < 0 {
		check.Failf("address-connections", "%d is below 0", c.AddressConnections)
	}
}

// Limit returns a Listener on lis with as many connections at a time as bounds
// says, 4096 when it does not; further ones wait in the backlog of the kernel. An
// address that has too many gets no more, and takes nobody's turn, unless it is
// that of one of the proxies. Its connections are those that NewServer's servers
// know how to use.
func Limit(lis net.Listener, bounds Connections, proxies ...netip.Prefix) net.Listener {
	setDefault(&bounds.MaxConnections, 4096)
	return &listener{
		Listener: lis, proxies: proxies, closed: make(chan struct{}),
		slots:     make(chan struct{}, bounds.MaxConnections),
		addresses: throttle.NewCrowd("connections of this address", bounds.AddressConnections),
	}
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
	proxies   []netip.Prefix
	slots     chan struct{}
	addresses *throttle.Crowd
	closed    chan struct{}
	once      sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			<-l.slots
			return nil, err
		}
		client, bounded := l.client(accepted)
		if !bounded {
			return &conn{Conn: accepted, free: sync.OnceFunc(func() { <-l.slots })}, nil
		}
		if l.addresses.Enter(client) == nil {
			return &conn{Conn: accepted, free: sync.OnceFunc(func() {
				l.addresses.Leave(client)
				<-l.slots
			})}, nil
		}
		_ = accepted.Close() // there is nobody to tell
	}
}

// client returns whose connection it is, and whether he is bounded.
func (l *listener) client(c net.Conn) (string, bool) {
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil || l.addresses == nil {
		return "", false
	}
	addr := from.Addr().Unmap().WithZone("")
	for _, p := range l.proxies {
		if p.Contains(addr) {
			return "", false
		}
	}
	return throttle.Client(addr.String()), true
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
