package transport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/gateway/transport"
)

// serve serves "hello" within bounds, and returns where.
func serve(t *testing.T, bounds transport.Connections, proxies ...netip.Prefix) string {
	t.Helper()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := transport.NewServer(transport.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello") // the test sees what came
	})})
	done := make(chan error, 1)
	go func() { done <- server.Serve(transport.Limit(lis, bounds, proxies...)) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return lis.Addr().String()
}

// dial connects from an address of this machine.
func dial(t *testing.T, from, to string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// answers reports whether a request on a connection is answered.
func answers(t *testing.T, conn net.Conn) bool {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		return false
	}
	text, err := io.ReadAll(conn)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return strings.HasSuffix(string(text), "hello")
}

// A flood of idle connections from one address, ten times what there is room for,
// leaves the others theirs; when one of the flood ends there is room for another.
func TestIdleFloodFromOneAddress(t *testing.T) {
	address := serve(t, transport.Connections{MaxConnections: 8, AddressConnections: 3})
	var idle []net.Conn
	for range 3 {
		idle = append(idle, dial(t, "127.0.0.2", address))
	}
	for range 80 {
		if conn := dial(t, "127.0.0.2", address); answers(t, conn) {
			t.Fatal("a connection beyond the bound is served")
		}
	}
	for _, other := range []string{"127.0.0.1", "127.0.0.3", "127.0.0.4"} {
		if !answers(t, dial(t, other, address)) {
			t.Errorf("%s is starved", other)
		}
	}
	if !answers(t, idle[0]) {
		t.Error("a connection within the bound is not served")
	}
	for tries := 0; !answers(t, dial(t, "127.0.0.2", address)); tries++ {
		if tries == 1000 {
			t.Fatal("the end of a connection makes no room")
		}
	}
}

// Many clients come by the connections of a proxy, so those are bounded in all
// and not for its address.
func TestProxiesAreNotBounded(t *testing.T) {
	address := serve(t, transport.Connections{MaxConnections: 8, AddressConnections: 1}, netip.MustParsePrefix("127.0.0.2/32"))
	for range 4 {
		dial(t, "127.0.0.2", address)
	}
	if !answers(t, dial(t, "127.0.0.2", address)) {
		t.Error("a proxy is bounded")
	}
	dial(t, "127.0.0.3", address)
	if answers(t, dial(t, "127.0.0.3", address)) {
		t.Error("another address is not bounded")
	}
}

// Beyond the bound of all, connections wait until there is room.
func TestConnectionsInAll(t *testing.T) {
	address := serve(t, transport.Connections{MaxConnections: 2})
	first := dial(t, "127.0.0.2", address)
	second := dial(t, "127.0.0.3", address)
	waiting := make(chan bool, 1)
	third := dial(t, "127.0.0.4", address) // by the kernel
	go func() { waiting <- answers(t, third) }()
	if !answers(t, second) {
		t.Error("a connection within the bound is not served")
	}
	if !<-waiting {
		t.Error("a connection that waited is not served")
	}
	if !answers(t, first) {
		t.Error("a connection within the bound is not served")
	}
}
