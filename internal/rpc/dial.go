package rpc

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/internal/wire"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
)

// DialConfig says how a service reaches another one. The zero value is of use.
type DialConfig struct {
	// TLS, when not nil, makes the configuration of a connection to a host of the
	// target; else plain HTTP/2 is spoken.
	TLS func(host string) *tls.Config
	// Token, when not empty, is the credential of this service itself, which each
	// call carries beside that of its caller.
	Token string
	// Timeout is the deadline of a unary call whose context has none; 30 s
	// when 0. Streams get none: a transfer may be long.
	Timeout time.Duration
	// Reads are the full names ("package.Service/Method") of methods that only
	// read, which are tried again when the target is unavailable.
	Reads []string
	// Stats observe the transport, such as OpenTelemetry's.
	Stats []stats.Handler
	// MaxRecvBytes, SocketBytes and WindowBytes are as in Config.
	MaxRecvBytes int
	SocketBytes  int
	WindowBytes  int32
}

// Dial returns a connection to target, a host:port or a gRPC target, which
// spreads calls over all addresses that the target has. It connects when it is
// first used. Calls forward the caller of their context, and their errors are
// *fault.Error.
func Dial(target string, cfg DialConfig) (*grpc.ClientConn, error) {
	setDefault(&cfg.Timeout, 30*time.Second)
	setDefault(&cfg.MaxRecvBytes, defaultClientRecvBytes)
	setDefault(&cfg.SocketBytes, defaultSocketBytes)
	setDefault(&cfg.WindowBytes, defaultWindowBytes)
	service, err := serviceConfig(cfg.Reads)
	if err != nil {
		return nil, err
	}
	creds := insecure.NewCredentials()
	if cfg.TLS != nil {
		creds = hostCredentials(cfg.TLS)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithDefaultServiceConfig(service),
		// Or the first call waits for a TXT record nobody publishes: ten seconds
		// where the resolver has no answer for names outside its network.
		grpc.WithDisableServiceConfig(),
		experimental.WithBufferPool(wire.Pool),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(wire.Codec{}),
			grpc.MaxCallRecvMsgSize(cfg.MaxRecvBytes),
		),
		grpc.WithNoProxy(),
		grpc.WithUnaryInterceptor(clientUnary(cfg.Timeout)),
		grpc.WithStreamInterceptor(clientStream),
		grpc.WithReadBufferSize(cfg.SocketBytes),
		grpc.WithWriteBufferSize(cfg.SocketBytes),
		grpc.WithStaticStreamWindowSize(cfg.WindowBytes),
		grpc.WithStaticConnWindowSize(connWindows * cfg.WindowBytes),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: connectTimeout}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                2 * minKeepalive,
			Timeout:             10 * time.Second,
			PermitWithoutStream: true,
		}),
	}
	if cfg.Token != "" {
		options = append(options, grpc.WithPerRPCCredentials(serviceToken(cfg.Token)))
	}
	for _, h := range cfg.Stats {
		options = append(options, grpc.WithStatsHandler(h))
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", target, err)
	}
	return conn, nil
}

// How soon a service that was gone is found again.
var reconnect = backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second}

// A page of a listing may be larger than a chunk.
const defaultClientRecvBytes = 16 << 20

// serviceConfig returns the service config of gRPC, gRFC A2 and A6.
func serviceConfig(reads []string) (string, error) {
	type name struct {
		Service string `json:"service"`
		Method  string `json:"method"`
	}
	type retry struct {
		MaxAttempts          int      `json:"maxAttempts"`
		InitialBackoff       string   `json:"initialBackoff"`
		MaxBackoff           string   `json:"maxBackoff"`
		BackoffMultiplier    float64  `json:"backoffMultiplier"`
		RetryableStatusCodes []string `json:"retryableStatusCodes"`
	}
	type method struct {
		Name  []name `json:"name"`
		Retry retry  `json:"retryPolicy"`
	}
	config := map[string]any{"loadBalancingConfig": []any{map[string]any{"round_robin": struct{}{}}}}
	if len(reads) > 0 {
		m := method{Retry: retry{
			MaxAttempts: 3, InitialBackoff: "0.05s", MaxBackoff: "1s", BackoffMultiplier: 2,
			RetryableStatusCodes: []string{"UNAVAILABLE"},
		}}
		for _, full := range reads {
			service, rpc, ok := strings.Cut(strings.TrimPrefix(full, "/"), "/")
			if !ok {
				return "", fmt.Errorf("rpc: %q is not package.Service/Method", full)
			}
			m.Name = append(m.Name, name{Service: service, Method: rpc})
		}
		config["methodConfig"] = []method{m}
	}
	b, err := json.Marshal(config)
	return string(b), err
}
