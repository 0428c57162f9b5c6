package rpc

import (
	"net"
	"net/netip"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Nobody is on this machine who comes by way of another, whoever vouches for it:
// much is let pass to who is.
func TestNobodyElseIsOnThisMachine(t *testing.T) {
	c := newChain(Config{TrustedPeers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8")}})
	for _, test := range []struct{ peer, claimed, want string }{
		{"10.0.0.9", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.9", "127.0.0.1", "10.0.0.9"},
		{"10.0.0.9", "::1", "10.0.0.9"},
		{"10.0.0.9", "::ffff:127.0.0.1", "10.0.0.9"},
		{"10.0.0.9", "::ffff:203.0.113.9", "203.0.113.9"},
		{"10.0.0.9", "fe80::1%anything at all", "fe80::1"},
		{"127.0.0.1", "::1", "::1"},
	} {
		ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: &net.TCPAddr{IP: net.ParseIP(test.peer), Port: 4711}})
		if got := c.address(ctx, metadata.Pairs(headerViewerAddress, test.claimed)); got != test.want {
			t.Errorf("%s says that it speaks for %s: %s, want %s", test.peer, test.claimed, got, test.want)
		}
	}
}

// The clients of a load balancer are where it has them from, whatever they say:
// it passes that on.
func TestClientsOfALoadBalancer(t *testing.T) {
	c := newChain(Config{TrustedPeers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, test := range []struct {
		name, peer string
		hops       []string
		want       string
	}{
		{"its client", "10.0.0.9", []string{"10.0.3.7"}, "10.0.3.7"},
		{"a client that says it came from afar", "10.0.0.9", []string{"198.51.100.1, 10.0.3.7"}, "10.0.3.7"},
		{"and says it twice", "10.0.0.9", []string{"198.51.100.1", "198.51.100.2,10.0.3.7"}, "10.0.3.7"},
		{"no address", "10.0.0.9", []string{"unknown"}, "10.0.0.9"},
		{"nothing", "10.0.0.9", []string{""}, "10.0.0.9"},
		{"the machine itself", "10.0.0.9", []string{"127.0.0.1"}, "10.0.0.9"},
		{"a stranger", "203.0.113.5", []string{"10.0.3.7"}, "203.0.113.5"},
	} {
		md := metadata.Pairs(headerViewerAddress, "192.0.2.1")
		md.Append(headerForwardedFor, test.hops...)
		ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: &net.TCPAddr{IP: net.ParseIP(test.peer), Port: 4711}})
		if got := c.address(ctx, md); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
