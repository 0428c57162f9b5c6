package rpc

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"github.com/holdfast-files/holdfast/internal/wire"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/keepalive"
)

// Server takes gRPC calls from a listener, with health, readiness and, if
// asked for, reflection.
type Server struct {
	grpc   *grpc.Server
	config Config
	health *healthServer
}

var _ grpc.ServiceRegistrar = (*Server)(nil)

// New returns a Server. Register the services before Serve.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	s := &Server{config: cfg, grpc: grpc.NewServer(serverOptions(cfg)...)}
	readiness := cfg.Readiness
	if readiness == nil {
		readiness = new(lifecycle.Readiness)
		readiness.Set(true)
	}
	s.health = registerHealth(s.grpc, readiness)
	return s
}

// RegisterService registers a service, as the generated code asks for.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.grpc.RegisterService(desc, impl)
}

// Serve takes calls from lis until Drain. It returns nil after a Drain.
func (s *Server) Serve(lis net.Listener) error {
	if s.config.Reflection {
		if err := registerReflection(s.grpc); err != nil {
			return fmt.Errorf("reflection: %w", err)
		}
	}
	return s.grpc.Serve(bound(lis, s.config))
}

// Drain ends Serve: health and readiness say no, no new call is taken, and the
// calls in hand are finished. When ctx ends before that, their contexts are
// cancelled, their handlers get a few seconds to return, and the error of ctx
// is returned.
func (s *Server) Drain(ctx context.Context) error {
	s.health.drain()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.grpc.GracefulStop()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	go s.grpc.Stop()
	select {
	case <-done:
	case <-time.After(cutGrace):
	}
	return ctx.Err()
}

// How long the handlers of calls that were cut may take to notice.
const cutGrace = 5 * time.Second

func serverOptions(cfg Config) []grpc.ServerOption {
	creds := insecure.NewCredentials()
	if cfg.TLS != nil {
		creds = credentials.NewTLS(cfg.TLS)
	}
	chain := newChain(cfg)
	options := []grpc.ServerOption{
		grpc.Creds(creds),
		grpc.ForceServerCodecV2(wire.Codec{}),
		experimental.BufferPool(wire.Pool),
		grpc.UnaryInterceptor(chain.remoteUnary),
		grpc.StreamInterceptor(chain.remoteStream),
		grpc.UnknownServiceHandler(unknownMethod),
		grpc.MaxRecvMsgSize(cfg.MaxRecvBytes),
		grpc.MaxConcurrentStreams(cfg.MaxStreams),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.MaxHeaderListSize(maxHeaderListBytes),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.ReadBufferSize(cfg.SocketBytes),
		grpc.WriteBufferSize(cfg.SocketBytes),
		grpc.StaticStreamWindowSize(cfg.WindowBytes),
		grpc.StaticConnWindowSize(connWindows * cfg.WindowBytes),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle:     cfg.MaxConnectionIdle,
			MaxConnectionAge:      cfg.MaxConnectionAge,
			MaxConnectionAgeGrace: cfg.MaxConnectionGrace,
			Time:                  time.Minute,
			Timeout:               20 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime:             minKeepalive,
			PermitWithoutStream: true,
		}),
	}
	for _, h := range cfg.Stats {
		options = append(options, grpc.StatsHandler(h))
	}
	return options
}

const (
	// Calls are handled by goroutines that stay, as many as are usually in hand
	// at once: a fresh one would grow its stack anew in each call, which took a
	// seventh of the time of a small one. More calls get goroutines of their own.
	streamWorkers = 64

	maxHeaderListBytes = 64 << 10
	connectTimeout     = 10 * time.Second

	// The least time between two pings of a client; Dial pings less often.
	minKeepalive = 10 * time.Second
)
