package transport_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/gateway/internal/pipenet"
	"github.com/holdfast-files/holdfast/gateway/transport"
)

// A connection may be silent before its first request for as long as between two,
// with TLS and without. When the request comes, it has the whole time of a header.
func TestFirstRequest(t *testing.T) {
	local := httptest.NewTLSServer(http.NotFoundHandler())
	defer local.Close()
	for name, test := range map[string]struct {
		silence time.Duration
		pause   time.Duration // after the first 14 bytes, which are all that net/http reads at first
		served  bool
	}{
		"at once":                        {0, 0, true},
		"when a header would be overdue": {9999 * time.Millisecond, 2 * time.Millisecond, true},
		"after long":                     {129 * time.Second, 9 * time.Second, true},
		"too late":                       {131 * time.Second, 0, false},
		"and then too slow":              {time.Second, 11 * time.Second, false},
	} {
		for scheme, config := range map[string]*tls.Config{"http": nil, "https": {Certificates: local.TLS.Certificates}} {
			t.Run(name+" over "+scheme, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					status, err := firstRequest(t, config, test.silence, test.pause)
					if test.served && (err != nil || status != http.StatusOK) {
						t.Errorf("status %d, sent: %v", status, err)
					}
					if !test.served && status == http.StatusOK {
						t.Error("was served")
					}
				})
			})
		}
	}
}

// firstRequest makes a request after a silence and with a pause, over TLS when
// config is not nil. It returns the status, 0 for no answer, and whether all of it
// could be sent.
func firstRequest(t *testing.T, config *tls.Config, silence, pause time.Duration) (status int, err error) {
	t.Helper()
	lis := pipenet.Listen()
	server := transport.NewServer(transport.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello") // the test sees what came
	})})
	done := make(chan error, 1)
	go func() { done <- server.Serve(transport.Secure(transport.Limit(lis, transport.Connections{}), config)) }()
	ours, err := lis.Dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		client := tls.Client(ours, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is a pipe to ourselves
		if err := client.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		ours = client
	}
	answered := make(chan int, 1)
	go func() {
		status := 0
		if resp, err := http.ReadResponse(bufio.NewReader(ours), nil); err == nil {
			status = resp.StatusCode
			_ = resp.Body.Close() // the status is all that counts
		}
		answered <- status
	}()
	time.Sleep(silence) //nolint:forbidigo // of the bubble
	_, err = io.WriteString(ours, "GET /v1/spaces")
	time.Sleep(pause) //nolint:forbidigo // of the bubble
	if err == nil {
		_, err = io.WriteString(ours, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	}
	status = <-answered
	_ = ours.Close() // may be closed by the server
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	return status, err
}

// A client of HTTP/2 that sends before it reads is read: nothing waits for what is
// written to it meanwhile.
func TestClientThatSendsFirst(t *testing.T) {
	const preface, settings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	lis := pipenet.Listen()
	server := transport.NewServer(transport.Config{Handler: http.NotFoundHandler()})
	done := make(chan error, 1)
	go func() { done <- server.Serve(transport.Limit(lis, transport.Connections{})) }()
	for range 50 { // who writes first is chance
		ours, err := lis.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := ours.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(ours, preface+settings)
		if err = errors.Join(err, ours.Close()); err != nil {
			t.Error(err)
			break
		}
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
