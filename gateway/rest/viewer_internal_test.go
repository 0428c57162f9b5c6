package rest

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestViewer(t *testing.T) {
	tests := []struct {
		proxies   int
		forwarded []string
		want      string
	}{
		{0, nil, "10.0.0.9"},
		{0, []string{"192.0.2.1"}, "10.0.0.9"}, // anybody can write it
		{1, []string{"192.0.2.1"}, "192.0.2.1"},
		{2, []string{"192.0.2.1, 198.51.100.7"}, "192.0.2.1"},
		{2, []string{"203.0.113.1, 192.0.2.1, 198.51.100.7"}, "192.0.2.1"},
		{2, []string{"203.0.113.1", "192.0.2.1", "198.51.100.7"}, "192.0.2.1"},
		{2, []string{"2001:db8::1,198.51.100.7"}, "2001:db8::1"},
		{2, []string{"::ffff:192.0.2.1%eth0, 198.51.100.7"}, "192.0.2.1"},
		{2, []string{"198.51.100.7"}, "10.0.0.9"}, // it came past one of them
		{2, nil, "10.0.0.9"},
		{2, []string{"x, 198.51.100.7"}, "10.0.0.9"},
		{2, []string{"127.0.0.1, 198.51.100.7"}, "10.0.0.9"}, // who is here came here himself
		{1, []string{"::1"}, "10.0.0.9"},
	}
	for _, test := range tests {
		h := newUsher(Bounds{TrustedProxies: test.proxies, ProxyNetworks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, Limits{})
		r := &http.Request{RemoteAddr: "10.0.0.9:1234", Header: http.Header{"X-Forwarded-For": test.forwarded}}
		if got := h.viewer(r); got != test.want {
			t.Errorf("%d proxies, %q: %s, want %s", test.proxies, test.forwarded, got, test.want)
		}
	}
	if got := newUsher(Bounds{}, Limits{}).viewer(&http.Request{RemoteAddr: "@"}); got != "" {
		t.Errorf("no address: %q", got)
	}
}
