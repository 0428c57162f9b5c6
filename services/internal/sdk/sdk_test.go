package sdk_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/holdfast-files/holdfast/services/internal/sdk"
)

// closed is a body as the SDK has it, whose end is looked for only when it has
// been closed.
type closed struct {
	io.Reader
	once sync.Once
	done chan struct{}
}

func (c *closed) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		<-c.done
	}
	return n, err
}

func (c *closed) WriteTo(io.Writer) (int64, error) {
	<-c.done
	return 0, io.EOF
}

func (c *closed) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

// TestQuickAnswer reads an answer that came before net/http had looked for the
// end of the request.
func TestQuickAnswer(t *testing.T) {
	environment(t)
	large := bytes.Repeat([]byte("answer"), 1<<17)
	failed := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		if err == nil {
			_, err = w.Write(large)
		}
		failed <- err
	}))
	defer server.Close()
	client := settings(t, sdk.Config{})
	for range 20 { // whether the connection ends before the answer is chance
		body := &closed{Reader: strings.NewReader("request"), done: make(chan struct{})}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = int64(len("request"))
		resp, err := client.HTTPClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = body.Close()
		got, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil || !bytes.Equal(got, large) {
			t.Fatalf("%d bytes of %d: %v", len(got), len(large), err)
		}
		if err := <-failed; err != nil {
			t.Errorf("the server: %v", err)
		}
	}
}

// TestObserved asks a server whose authority only AWS_CA_BUNDLE names, with
// somebody looking on.
func TestObserved(t *testing.T) {
	environment(t)
	server := httptest.NewTLSServer(http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect))
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "authorities.pem")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	var seen observer
	client := settings(t, sdk.Config{Observe: func(next http.RoundTripper) http.RoundTripper {
		seen.next = next
		return &seen
	}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.HTTPClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("%s, %v, not the redirect", resp.Status, err)
	}
	if seen.requests != 1 {
		t.Errorf("%d requests were observed", seen.requests)
	}
}

type observer struct {
	next     http.RoundTripper
	requests int
}

func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	o.requests++
	return o.next.RoundTrip(r)
}

func TestNoRegion(t *testing.T) {
	environment(t)
	t.Setenv("AWS_REGION", "")
	if _, err := (sdk.Config{}).Settings(t.Context()); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("got %v", err)
	}
}

// environment has what a user of AWS has, and nothing of this machine's.
func environment(t *testing.T) {
	t.Helper()
	nothing := filepath.Join(t.TempDir(), "nothing")
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing,
	} {
		t.Setenv(name, value)
	}
}

func settings(t *testing.T, c sdk.Config) aws.Config {
	t.Helper()
	got, err := c.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}
