package transport_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/gateway/internal/pipenet"
	"github.com/holdfast-files/holdfast/gateway/transport"
)

// together is a connection whose client writes what follows its first write all at
// once, when it lets go.
type together struct {
	net.Conn
	mu     sync.Mutex
	writes int
	kept   bytes.Buffer
	free   bool
}

func (c *together) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes++; c.writes == 1 || c.free {
		return c.Conn.Write(p)
	}
	return c.kept.Write(p)
}

func (c *together) letGo() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free = true
	_, err := c.Conn.Write(c.kept.Bytes())
	return err
}

// A request that arrives together with the end of the handshake has the time of any
// other, and its connection closes when it is told to.
func TestRequestComesWithTheHandshake(t *testing.T) {
	local := httptest.NewTLSServer(http.NotFoundHandler())
	defer local.Close()
	config := &tls.Config{Certificates: local.TLS.Certificates}
	synctest.Test(t, func(t *testing.T) {
		lis := pipenet.Listen()
		server := transport.NewServer(transport.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(w, r.Body); err != nil {
				t.Errorf("reading the body: %v", err)
			}
		})})
		done := make(chan error, 1)
		go func() { done <- server.Serve(transport.Secure(transport.Limit(lis, transport.Connections{}), config)) }()
		ours, err := lis.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		wire := &together{Conn: ours}
		client := tls.Client(wire, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is a pipe to ourselves
		if err := client.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		send := func(text string) {
			if _, err := io.WriteString(client, text); err != nil {
				t.Fatal(err)
			}
		}
		send("PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n")
		if err := wire.letGo(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			time.Sleep(20 * time.Second) //nolint:forbidigo // of the bubble
			send("x")
		}
		sent := time.Now()
		answer, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil || string(text) != "xx" {
			t.Errorf("%q, %v", text, err)
		}
		if _, err := io.Copy(io.Discard, client); err != nil {
			t.Error(err)
		}
		if waited := time.Since(sent); waited > 5*time.Second {
			t.Errorf("the connection was closed after %v", waited)
		}
		if err := errors.Join(client.Close(), server.Close(), <-done); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}
