package rpc

import (
	"net"
	"net/netip"
	"testing"

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
		if got := c.address(ctx, test.claimed); got != test.want {
			t.Errorf("%s says that it speaks for %s: %s, want %s", test.peer, test.claimed, got, test.want)
		}
	}
}
