package buckets

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// Proxy passes requests on to a server of this package that listens at Address.
type Proxy struct {
	*httputil.ReverseProxy
	Address string
}

// Behind returns a proxy to a free address of the loopback interface. It leaves
// the Host as it is, which the signature of a request covers.
func Behind(ctx context.Context) (Proxy, error) {
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Proxy{}, err
	}
	address := lis.Addr().String()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	return Proxy{ReverseProxy: proxy, Address: address}, lis.Close()
}
