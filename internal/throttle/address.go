package throttle

import "net/netip"

// Client returns what stands for an address in a Pace or a Crowd: the address
// itself, but of IPv6 its /64, which one client has to itself. What is no
// address stands for itself.
func Client(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if addr = addr.Unmap(); addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}
