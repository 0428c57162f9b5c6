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
	grpc      *grpc.Server
	config    Config
	readiness *lifecycle.Readiness
	health    *healthServer
}

var _ grpc.ServiceRegistrar = (*Server)(nil)

// New returns a Server. Register the services before Serve.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	s := &Server{config: cfg, grpc: grpc.NewServer(serverOptions(cfg)...), readiness: cfg.Readiness}
	if s.readiness == nil {
		s.readiness = new(lifecycle.Readiness)
		s.readiness.Set(true)
	}
	s.health = registerHealth(s.grpc, s.readiness)
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
	return s.grpc.Serve(limitConnections(lis, s.config.MaxConnections))
}

// Drain ends Serve: health and readiness say no, no new call is taken, and the
// calls in hand are finished. When ctx ends before that, they are cut and its
// error is returned. No handler runs any more when Drain returns.
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
		s.grpc.Stop()
		<-done
		return ctx.Err()
	}
}

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
		grpc.ChainUnaryInterceptor(append([]grpc.UnaryServerInterceptor{chain.remoteUnary}, cfg.Unary...)...),
		grpc.ChainStreamInterceptor(append([]grpc.StreamServerInterceptor{chain.remoteStream}, cfg.Stream...)...),
		grpc.UnknownServiceHandler(chain.unknown),
		grpc.MaxRecvMsgSize(cfg.MaxRecvBytes),
		grpc.MaxConcurrentStreams(cfg.MaxStreams),
		grpc.MaxHeaderListSize(maxHeaderListBytes),
		grpc.ReadBufferSize(cfg.SocketBytes),
		grpc.WriteBufferSize(cfg.SocketBytes),
		grpc.InitialWindowSize(cfg.WindowBytes),
		grpc.InitialConnWindowSize(connWindows * cfg.WindowBytes),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{
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
	maxHeaderListBytes = 64 << 10

	// The least time between two pings of a client; Dial pings less often.
	minKeepalive = 10 * time.Second
)
