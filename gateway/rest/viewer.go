package rest

import (
	"net/http"
	"net/netip"
	"strings"
)

// viewer returns the address of who sent a request, empty when it isn't known.
// Each proxy of ours appends to X-Forwarded-For whom it has the request from;
// what stands before their entries anybody may have written.
func (h *Handler) viewer(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	if h.proxies > 0 {
		entries := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
		if n := len(entries) - h.proxies; n >= 0 {
			if addr, err := netip.ParseAddr(strings.TrimSpace(entries[n])); err == nil {
				return addr.Unmap().WithZone("").String()
			}
		}
	}
	return peer.Addr().Unmap().WithZone("").String()
}
