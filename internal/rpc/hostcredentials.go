package rpc

import (
	"context"
	"crypto/tls"
	"net"

	"google.golang.org/grpc/credentials"
)

// hostCredentials speak TLS with a configuration that knows whom it is to reach.
// gRPC's own has one for all, and crypto/tls keeps the host from those who check
// certificates themselves when it is an IP address.
type hostCredentials func(host string) *tls.Config

var _ credentials.TransportCredentials = hostCredentials(nil)

// ClientHandshake implements credentials.TransportCredentials.
func (h hostCredentials) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	host, _, err := net.SplitHostPort(authority)
	if err != nil {
		host = authority // it has no port
	}
	return credentials.NewTLS(h(host)).ClientHandshake(ctx, authority, conn)
}

// ServerHandshake implements credentials.TransportCredentials.
func (h hostCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return credentials.NewTLS(h("")).ServerHandshake(conn)
}

// Info implements credentials.TransportCredentials.
func (h hostCredentials) Info() credentials.ProtocolInfo { return credentials.NewTLS(h("")).Info() }

// Clone implements credentials.TransportCredentials.
func (h hostCredentials) Clone() credentials.TransportCredentials { return h }

// OverrideServerName implements credentials.TransportCredentials.
//
// Deprecated: by gRPC, which does not call it any more.
func (h hostCredentials) OverrideServerName(string) error { return nil }
