// Package rpc is the door through which gRPC calls enter and leave a process:
// the server, its twin for callers within the process, and the connections to
// other services. One chain of interceptors stands in every door, so no way in
// skips it.
package rpc

import (
	"crypto/tls"
	"log/slog"
	"net/netip"
	"time"

	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"github.com/holdfast-files/holdfast/internal/wire"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// Config says how a Server or a Local takes calls. The zero value of each
// field but Logger is of use.
type Config struct {
	// Logger gets one line per call, and the causes of internal errors.
	Logger *slog.Logger
	// Name names the door in the log, such as "metadata" or "ledger".
	Name string
	// Readiness, when not nil, is what the health and readiness services
	// answer; else they are ready from New until Drain.
	Readiness *lifecycle.Readiness
	// Reflection shows the services that are registered, and only those.
	Reflection bool
	// TLS, when not nil, is spoken on the listener; else plain HTTP/2.
	TLS *tls.Config
	// TrustedPeers are the networks whose x-viewer-address is believed; the
	// loopback ones when nil. A peer with a client certificate that was verified
	// is believed too. Other callers are known by their own address.
	TrustedPeers []netip.Prefix
	// Unary and Stream stand inside the chain, right before the handler: the
	// caller is known and errors are still faults. A Local has unary ones only.
	Unary  []grpc.UnaryServerInterceptor
	Stream []grpc.StreamServerInterceptor
	// Stats observe the transport, such as OpenTelemetry's.
	Stats []stats.Handler
	// MaxRecvBytes bounds a received message; wire.MaxMessageBytes when 0.
	MaxRecvBytes int
	// MaxConnections bounds the connections; 4096 when 0.
	MaxConnections int
	// AddressConnections bounds those of one address (of IPv6 its /64) that is in
	// none of TrustedPeers; an eighth of MaxConnections when 0.
	AddressConnections int
	// MaxStreams bounds the concurrent calls of one connection; 1024 when 0.
	MaxStreams uint32
	// MaxConnectionIdle closes connections without calls, however alive; 5 min
	// when 0.
	MaxConnectionIdle time.Duration
	// MaxConnectionAge closes connections so that clients look at the load
	// balancer again; 30 min when 0. Calls in hand get MaxConnectionGrace.
	MaxConnectionAge time.Duration
	// MaxConnectionGrace is how long a call may outlive the age of its
	// connection; 24 h when 0, since a transfer may be long.
	MaxConnectionGrace time.Duration
	// SocketBytes is the size of the read and the write buffer of a
	// connection; 256 KiB when 0, which a transfer needs to be cheap.
	SocketBytes int
	// WindowBytes is how much a peer may send ahead of the reader of a stream;
	// 1 MiB when 0.
	WindowBytes int32
}

func (c Config) withDefaults() Config {
	setDefault(&c.MaxRecvBytes, wire.MaxMessageBytes)
	setDefault(&c.MaxConnections, 4096)
	setDefault(&c.AddressConnections, max(1, c.MaxConnections/8))
	setDefault(&c.MaxStreams, 1024)
	setDefault(&c.MaxConnectionIdle, 5*time.Minute)
	setDefault(&c.MaxConnectionAge, 30*time.Minute)
	setDefault(&c.MaxConnectionGrace, 24*time.Hour)
	setDefault(&c.SocketBytes, defaultSocketBytes)
	setDefault(&c.WindowBytes, defaultWindowBytes)
	if c.TrustedPeers == nil {
		c.TrustedPeers = []netip.Prefix{
			netip.MustParsePrefix("127.0.0.0/8"),
			netip.MustParsePrefix("::1/128"),
		}
	}
	return c
}

const (
	defaultSocketBytes = 256 << 10
	defaultWindowBytes = 1 << 20

	// A connection's window is for all of its streams.
	connWindows = 16
)

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
