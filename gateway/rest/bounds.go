package rest

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/internal/throttle"
)

// Bounds are what one client may ask of one gateway, and how the gateway tells
// clients apart. They are settings of every program that runs the gateway. A
// client on this machine is not bounded.
type Bounds struct {
	AddressRate        float64        `help:"Requests a second from one address (of IPv6 its /64) in the long run; 0 for no bound." default:"100" placeholder:"N"`
	AddressBurst       int            `help:"Requests from one address at once, beyond its rate." default:"400" placeholder:"N"`
	AddressConcurrency int            `help:"Requests from one address under way at a time; of bodies over HTTP/2 and of the memory for JSON it gets an eighth. 0 for no bound." default:"128" placeholder:"N"`
	CredentialRate     float64        `help:"Requests a second with one credential in the long run; 0 for no bound." default:"200" placeholder:"N"`
	CredentialBurst    int            `help:"Requests with one credential at once, beyond its rate." default:"800" placeholder:"N"`
	TrustedProxies     int            `help:"Proxies before the gateway that each append to X-Forwarded-For whom they were called by: 2 for CloudFront and a load balancer. 0 when clients come directly." default:"0" placeholder:"N"`
	ProxyNetworks      []netip.Prefix `help:"Networks that the last of the trusted proxies is in; of nobody else X-Forwarded-For is read." default:"127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7" placeholder:"CIDR"`
}

// Check checks the settings.
func (b Bounds) Check(c *settings.Check) {
	for flag, n := range map[string]float64{
		"address-rate": b.AddressRate, "credential-rate": b.CredentialRate, "address-burst": float64(b.AddressBurst),
		"credential-burst": float64(b.CredentialBurst), "address-concurrency": float64(b.AddressConcurrency),
		"trusted-proxies": float64(b.TrustedProxies),
	} {
		if n < 0 {
			c.Failf(flag, "%v is below 0", n)
		}
	}
}

// usher lets requests in, or refuses those of clients that ask for too much.
type usher struct {
	proxies    int
	peers      []netip.Prefix
	address    *throttle.Pace
	credential *throttle.Pace
	inFlight   *throttle.Crowd
	requests   *room
	bodies     *room
	bodiesOf   *throttle.Crowd // shares of bodies
	texts      *room
	textsOf    *throttle.Crowd // shares of texts
}

// sharesOfAll is how many clients it takes to have all there is of what one of them
// may hold without having proved who he is.
const sharesOfAll = 8

func newUsher(b Bounds, l Limits) *usher {
	bodies, texts := max(1, l.StreamBodies/sharesOfAll), max(l.JSONBytes, l.JSONMemory/sharesOfAll)
	if b.AddressConcurrency == 0 {
		bodies, texts = 0, 0 // many may be behind one address
	}
	return &usher{
		proxies: b.TrustedProxies, peers: b.ProxyNetworks,
		address:    throttle.NewPace("address", throttle.Limit{Rate: b.AddressRate, Burst: b.AddressBurst}, time.Now),
		credential: throttle.NewPace("credential", throttle.Limit{Rate: b.CredentialRate, Burst: b.CredentialBurst}, time.Now),
		inFlight:   throttle.NewCrowd("requests of this address", b.AddressConcurrency),
		requests:   newRoom(l.Requests),
		bodies:     newRoom(l.StreamBodies),
		bodiesOf:   throttle.NewCrowd("bodies over HTTP/2 of this address", int(bodies)),
		texts:      newRoom(l.JSONMemory),
		textsOf:    throttle.NewCrowd("bytes of JSON of this address", int(texts)),
	}
}

// viewer returns the address of whoever made a request: of the peer, or, when it
// came by way of the proxies before us, the one that the first of them appended.
// What a client wrote into X-Forwarded-For itself stands left of that, and is never
// read; nor is it believed that a viewer is on this machine who comes by way of
// another.
func (u *usher) viewer(r *http.Request) string {
	peer, hop := u.arrival(r)
	if !peer.IsValid() {
		return ""
	}
	claimed, ok := parseHop(hop)
	if !ok || claimed.IsLoopback() && !peer.IsLoopback() {
		return peer.String()
	}
	return claimed.String()
}

// arrival returns the peer of a request, and what the first of the proxies before
// us appended about whom it was called by: nothing when there are none, when the
// peer is not where the last of them is, and when the request came past one of
// them, as a health check does.
func (u *usher) arrival(r *http.Request) (peer netip.Addr, hop string) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, ""
	}
	peer = from.Addr().Unmap().WithZone("")
	if u.proxies == 0 || !u.trusts(peer) {
		return peer, ""
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	if len(hops) < u.proxies {
		return peer, ""
	}
	return peer, strings.TrimSpace(hops[len(hops)-u.proxies])
}

// overTLS reports whether the client of a request speaks TLS: to us, or to the
// first of the proxies before us, which is where it ends then. Off this machine
// nobody else does.
func (u *usher) overTLS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	_, hop := u.arrival(r)
	return hop != "" && !loopbackHost(r.Host)
}

// parseHop parses an address, with a port or without.
func parseHop(hop string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(hop)
	if err != nil {
		withPort, err := netip.ParseAddrPort(hop)
		if err != nil {
			return addr, false
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

// Proxies returns the networks of the proxies before us, through whose connections
// many clients come; none when clients come directly.
func (b Bounds) Proxies() []netip.Prefix {
	if b.TrustedProxies == 0 {
		return nil
	}
	return b.ProxyNetworks
}

func (u *usher) trusts(peer netip.Addr) bool {
	for _, p := range u.peers {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}
