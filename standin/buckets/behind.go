package buckets

import (
	"net/http"
	"net/http/httputil"
	"net/url"
)

// Proxy passes requests on to a server of this package that listens at Address.
type Proxy struct {
	*httputil.ReverseProxy
	Address string
}

// Behind returns a proxy to an address. It leaves the Host as it is, which the
// signature of a request covers.
func Behind(address string) Proxy {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	return Proxy{ReverseProxy: proxy, Address: address}
}
