package rest

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// checkOpen refuses, with PERMISSION_DENIED, what a web page of another site
// could make a browser send to a service on its own machine: a request under a
// name that merely resolves to loopback (DNS rebinding), one with a foreign
// Origin, and one that the browser itself calls cross-site. Pages of an origin
// that was allowed by configuration are not foreign. Nor is one of our own whose
// form comes with Origin: null, since it is to tell nobody where it stands, when
// the browser calls it same-origin, which a page cannot write.
func checkOpen(r *http.Request, allowed bool) error {
	if !loopbackHost(r.Host) {
		return refused("Host", r.Host)
	}
	if allowed {
		return nil
	}
	site := r.Header.Get("Sec-Fetch-Site")
	switch site {
	case "", "none", "same-origin":
	default:
		return refused("Sec-Fetch-Site", site)
	}
	for _, origin := range r.Header["Origin"] {
		if !sameOrigin(origin, r.Host) && (origin != "null" || site != "same-origin") {
			return refused("Origin", origin)
		}
	}
	return nil
}

func refused(field, value string) error {
	return fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED,
		"%s: %q is refused, since nobody proves who he is here: only this machine may call, and no other site", field, clip(value))
}

// loopbackHost reports whether a Host field names this machine, on any port.
func loopbackHost(host string) bool {
	u := url.URL{Host: host}
	name := u.Hostname()
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// sameOrigin reports whether origin is that of pages which this host serves.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, host)
}
