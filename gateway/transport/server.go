// Package transport is the gateway's HTTP server below its handlers: the
// listener, the connections, and the bounds on what one client can hold.
package transport

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Config says how a server treats connections. The zero value of each field
// but Handler is of use.
type Config struct {
	// Handler answers the requests. It bounds the time that bodies take, in
	// both directions; the server bounds everything else.
	Handler http.Handler
	// Logger gets what goes wrong below the handler.
	Logger *slog.Logger
	// Malformed renders the refusal of what is not even a request,
	// of which Handler never hears. net/http's plain text when nil.
	Malformed Render
	// HeaderTimeout bounds how long the header of a request may take to
	// arrive; 10 s when 0.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection is kept for its next request, and for
	// its first; 130 s when 0, which is longer than CloudFront and load balancers
	// keep theirs, so that it is not us who closes under a request.
	IdleTimeout time.Duration
	// HeaderBytes bounds the header of a request; 32 KiB when 0.
	HeaderBytes int
}

// StreamBytes is how much of the body of a request over HTTP/2 is taken before the
// handler reads it. What all of them take is bounded by how many the handler lets
// in: of those that it refuses nothing is kept.
const StreamBytes = 512 << 10

// NewServer returns a server for HTTP/1.1 and HTTP/2, which without TLS takes
// prior knowledge. Serve it on a Listener.
func NewServer(cfg Config) *http.Server {
	setDefault(&cfg.HeaderTimeout, 10*time.Second)
	setDefault(&cfg.IdleTimeout, 130*time.Second)
	setDefault(&cfg.HeaderBytes, 32<<10)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           serving{cfg.Handler},
		ReadHeaderTimeout: cfg.HeaderTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    cfg.HeaderBytes,
		Protocols:         &protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          128,
			MaxReadFrameSize:              16 << 10, // of each connection one frame is kept
			MaxReceiveBufferPerStream:     StreamBytes,
			MaxReceiveBufferPerConnection: 8 * StreamBytes,
			SendPingTimeout:               30 * time.Second,
			PingTimeout:                   15 * time.Second,
			WriteByteTimeout:              time.Minute,
		},
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if c, ok := c.(*conn); ok {
				c.malformed, c.idle, c.header = cfg.Malformed, cfg.IdleTimeout, cfg.HeaderTimeout
				return context.WithValue(ctx, connKey{}, c)
			}
			if secured, ok := c.(*tls.Conn); ok {
				if c, ok := secured.NetConn().(*conn); ok {
					c.secret.Store(true)
					c.idle, c.header = cfg.IdleTimeout, cfg.HeaderTimeout
				}
			}
			return ctx
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			if c, ok := c.(*conn); ok && (state == http.StateNew || state == http.StateIdle) {
				c.parsing.Store(true)
			}
		},
	}
}

// serving tells the connection that a handler is at work.
type serving struct{ http.Handler }

func (s serving) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		c.parsing.Store(false)
		if r.ProtoMajor == 1 {
			c.hold()
		}
	}
	s.Handler.ServeHTTP(w, r)
}

type connKey struct{}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
