package lifecycle_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/lifecycle"
)

// serveHTTP runs a server whose one request waits for release.
func serveHTTP(t *testing.T) (c lifecycle.Component, ran <-chan error, answered <-chan error, release func()) {
	t.Helper()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, gate := make(chan struct{}), make(chan struct{})
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-gate
		_, _ = io.WriteString(w, "done")
	})}
	c = lifecycle.HTTP("gateway", srv, lis)
	run, answer := make(chan error, 1), make(chan error, 1)
	go func() { run <- c.Run(t.Context()) }()
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+lis.Addr().String(), nil)
		if err == nil {
			var resp *http.Response
			if resp, err = new(http.Transport).RoundTrip(req); err == nil {
				_, err = io.ReadAll(resp.Body)
				err = errors.Join(err, resp.Body.Close())
			}
		}
		answer <- err
	}()
	<-entered
	return c, run, answer, func() { close(gate) }
}

func TestHTTPDrainFinishesRequests(t *testing.T) {
	c, ran, answered, release := serveHTTP(t)
	drained := make(chan error, 1)
	go func() { drained <- c.Drain(t.Context()) }()
	if err := <-ran; err != nil {
		t.Errorf("Run returned %v", err)
	}
	release()
	if err := <-answered; err != nil {
		t.Errorf("the request in hand: %v", err)
	}
	if err := <-drained; err != nil {
		t.Errorf("Drain returned %v", err)
	}
}

func TestHTTPDrainCutsWhatDoesNotEnd(t *testing.T) {
	c, ran, answered, release := serveHTTP(t)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain returned %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the request was not cut")
	}
	if err := <-ran; err != nil {
		t.Errorf("Run returned %v", err)
	}
}
