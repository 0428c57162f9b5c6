package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/gateway/internal/pipenet"
	"github.com/holdfast-files/holdfast/gateway/transport"
)

// A connection on which HTTP/2 is spoken over TLS stays between two requests for as
// long as any other: the time of a first header is none of its.
func TestHTTP2OverTLSStays(t *testing.T) {
	local := httptest.NewTLSServer(http.NotFoundHandler())
	defer local.Close()
	config := &tls.Config{Certificates: local.TLS.Certificates, NextProtos: []string{"h2"}}
	synctest.Test(t, func(t *testing.T) {
		lis := pipenet.Listen()
		server := transport.NewServer(transport.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Proto) // the test sees what came
		})})
		done := make(chan error, 1)
		go func() { done <- server.Serve(transport.Secure(transport.Limit(lis, transport.Connections{}), config)) }()
		dials := 0
		client := &http.Client{Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // it is a pipe to ourselves
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				return lis.Dial(ctx, network, address)
			},
		}}
		for range 3 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://localhost/", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if err = errors.Join(err, resp.Body.Close()); err != nil || string(text) != "HTTP/2.0" {
				t.Errorf("%q, %v", text, err)
			}
			time.Sleep(100 * time.Second) //nolint:forbidigo // of the bubble
		}
		if dials != 1 {
			t.Errorf("%d connections", dials)
		}
		client.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}
