package probe_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"github.com/holdfast-files/holdfast/internal/probe"
	"github.com/holdfast-files/holdfast/internal/rpc"
)

func TestAsked(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		env  string
		want string // address; empty for not asked
	}{
		"another command": {[]string{"--listen=127.0.0.1:1"}, "", ""},
		"nothing":         {nil, "", ""},
		"the default":     {[]string{"health"}, "", "127.0.0.1:9081"},
		"the variable":    {[]string{"health"}, "127.0.0.1:7", "127.0.0.1:7"},
		"the flag wins":   {[]string{"health", "--listen=127.0.0.1:8"}, "127.0.0.1:7", "127.0.0.1:8"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			asked, err := probe.Asked(tc.args, func(string) string { return tc.env }, "127.0.0.1:9081",
				func(_ context.Context, address string) error {
					got = address
					return nil
				})
			if err != nil || asked != (tc.want != "") || got != tc.want {
				t.Errorf("asked %v at %q, %v", asked, got, err)
			}
		})
	}
	asked, err := probe.Asked([]string{"health", "--lissten=x"}, func(string) string { return "" }, "", nil)
	if !asked || err == nil {
		t.Errorf("a wrong argument: %v, %v", asked, err)
	}
}

func TestHTTP(t *testing.T) {
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(status)
		}
	}))
	address := strings.TrimPrefix(s.URL, "http://")
	port := address[strings.LastIndex(address, ":"):]
	for _, listen := range []string{address, port, "0.0.0.0" + port, "[::]" + port, "localhost" + port} {
		if err := probe.HTTP(t.Context(), listen); err != nil {
			t.Errorf("%s: %v", listen, err)
		}
	}
	status = http.StatusServiceUnavailable
	if err := probe.HTTP(t.Context(), address); err == nil {
		t.Error("503 is ready")
	}
	s.Close()
	if err := probe.HTTP(t.Context(), address); err == nil {
		t.Error("what is gone is ready")
	}
}

func TestGRPC(t *testing.T) {
	readiness := new(lifecycle.Readiness)
	server := rpc.New(rpc.Config{Logger: slog.New(slog.DiscardHandler), Readiness: readiness})
	listeners, err := rpc.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listeners[0]) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Drain(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	address := listeners[0].Addr().String()
	if err := probe.GRPC(t.Context(), address); err == nil {
		t.Error("ready before it is")
	}
	readiness.Set(true)
	if err := probe.GRPC(t.Context(), address); err != nil {
		t.Error(err)
	}
}
