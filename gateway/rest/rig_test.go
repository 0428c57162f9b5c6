package rest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/gateway/content"
	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/gateway/transport"
	"github.com/holdfast-files/holdfast/internal/rpc"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// rig is a gateway on loopback, in front of a world.
type rig struct {
	*world
	t      *testing.T
	addr   string
	client *http.Client
	// handler is what answers.
	handler *rest.Handler
	// settle waits until the world has nothing in hand; it takes no more then.
	settle func()
}

// inBoth runs a test with the world in the gateway's process and with the
// world behind gRPC.
func inBoth(t *testing.T, test func(t *testing.T, r *rig)) {
	inBothWith(t, rest.Config{}, test)
}

func inBothWith(t *testing.T, cfg rest.Config, test func(t *testing.T, r *rig)) {
	t.Run("one process", func(t *testing.T) { test(t, newRig(t, cfg)) })
	t.Run("over gRPC", func(t *testing.T) { test(t, newRemoteRig(t, cfg)) })
}

// newRig returns a rig whose world is reached as in one process.
func newRig(t *testing.T, cfg rest.Config) *rig {
	t.Helper()
	w := newWorld()
	return serve(t, w, inProcess(w, cfg))
}

// inProcess has a gateway reach a world as in one process.
func inProcess(w *world, cfg rest.Config) rest.Config {
	local := rpc.NewLocal(rpc.Config{Logger: slog.New(slog.DiscardHandler), Name: "metadata"})
	metadatav1.RegisterFileServiceServer(local, w)
	metadatav1.RegisterSpaceServiceServer(local, w)
	metadatav1.RegisterUploadServiceServer(local, w)
	metadatav1.RegisterMemberServiceServer(local, w)
	metadatav1.RegisterKeyServiceServer(local, w)
	metadatav1.RegisterShareServiceServer(local, w)
	cfg.Metadata, cfg.Content, cfg.Uploads = local, w, w
	return cfg
}

// newRemoteRig returns a rig whose world is reached over gRPC.
func newRemoteRig(t *testing.T, cfg rest.Config) *rig {
	t.Helper()
	w := newWorld()
	server := rpc.New(rpc.Config{Logger: slog.New(slog.DiscardHandler), Name: "world"})
	metadatav1.RegisterFileServiceServer(server, w)
	metadatav1.RegisterSpaceServiceServer(server, w)
	metadatav1.RegisterUploadServiceServer(server, w)
	metadatav1.RegisterMemberServiceServer(server, w)
	metadatav1.RegisterKeyServiceServer(server, w)
	metadatav1.RegisterShareServiceServer(server, w)
	storagev1.RegisterContentServiceServer(server, &contentServer{world: w})
	storagev1.RegisterResumableServiceServer(server, &resumableServer{world: w})
	lis := listen(t)
	done := make(chan error, 1)
	go func() { done <- server.Serve(lis) }()
	conn, err := rpc.Dial(lis.Addr().String(), rpc.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	settle := sync.OnceFunc(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := server.Drain(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(settle)
	remote := content.NewClient(conn)
	cfg.Metadata, cfg.Content, cfg.Uploads = conn, remote, remote
	r := serve(t, w, cfg)
	r.settle = settle
	return r
}

func serve(t *testing.T, w *world, cfg rest.Config) *rig {
	t.Helper()
	return serveOn(t, listen(t), &http.Transport{}, w, cfg)
}

// serveOn serves on lis, for a client that reaches it by way of connect.
func serveOn(t *testing.T, lis net.Listener, connect *http.Transport, w *world, cfg rest.Config) *rig {
	t.Helper()
	h, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := transport.NewServer(transport.Config{Handler: h, Malformed: rest.Malformed})
	done := make(chan error, 1)
	go func() { done <- server.Serve(transport.Limit(lis, transport.Connections{})) }()
	client := &http.Client{Transport: connect}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return &rig{world: w, t: t, addr: lis.Addr().String(), client: client, handler: h, settle: func() {}}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var cfg net.ListenConfig
	lis, err := cfg.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return lis
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body []byte
}

// do sends a request; fields are names and values in turn.
func (r *rig) do(method, path string, body io.Reader, fields ...string) answer {
	r.t.Helper()
	a, err := r.try(method, path, body, fields...)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is do for requests that the server may end by closing their connection.
func (r *rig) try(method, path string, body io.Reader, fields ...string) (answer, error) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.addr+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == "Host" {
			req.Host = fields[i+1]
			continue
		}
		req.Header.Add(fields[i], fields[i+1])
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	return readAnswer(r.t, resp), nil
}

func (r *rig) get(path string, fields ...string) answer {
	r.t.Helper()
	return r.do(http.MethodGet, path, nil, fields...)
}

func (r *rig) put(path, text string, fields ...string) answer {
	r.t.Helper()
	return r.do(http.MethodPut, path, strings.NewReader(text), fields...)
}

func (r *rig) post(path, text string, fields ...string) answer {
	r.t.Helper()
	return r.do(http.MethodPost, path, strings.NewReader(text), fields...)
}

func readAnswer(t *testing.T, resp *http.Response) answer {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	return answer{resp, body}
}

// json decodes the body.
func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%s: %q is no JSON object: %v", a.Status, a.body, err)
	}
	return v
}

// errorOf returns the reason and the message of an error, having checked that
// it has the form that every error has.
func (a answer) errorOf(t *testing.T) (reason, message string) {
	t.Helper()
	var v struct {
		Error struct {
			Code    int
			Message string
			Status  string
			Details []map[string]any
		}
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%s: %q is no JSON: %v", a.Status, a.body, err)
	}
	e := v.Error
	if e.Code != a.StatusCode || e.Message == "" || e.Status == "" || len(e.Details) < 2 {
		t.Fatalf("%s: %s", a.Status, a.body)
	}
	if e.Details[0]["domain"] != "holdfast" || e.Details[0]["@type"] != "type.googleapis.com/google.rpc.ErrorInfo" {
		t.Fatalf("first detail of %s", a.body)
	}
	if id := e.Details[len(e.Details)-1]["requestId"]; id != a.Header.Get("X-Request-Id") || id == "" {
		t.Fatalf("request id %v, in the header %s", id, a.Header.Get("X-Request-Id"))
	}
	if a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("Content-Type %s", a.Header.Get("Content-Type"))
	}
	return e.Details[0]["reason"].(string), e.Message
}

// wants fails the test unless the answer has the status, and, for errors, the
// reason.
func (a answer) wants(t *testing.T, status int, reasons ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s, want %d; %s", a.Status, status, a.body)
	}
	for _, want := range reasons {
		if got, _ := a.errorOf(t); got != want {
			t.Fatalf("reason %s, want %s; %s", got, want, a.body)
		}
	}
}

func (a answer) wantsField(t *testing.T, name, want string) {
	t.Helper()
	if got := a.Header.Get(name); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}

// raw is a connection on which a test writes what no client would.
type raw struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (r *rig) dial() *raw {
	r.t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(r.t.Context(), "tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() }) // the test may have closed it
	return &raw{Conn: conn, t: r.t, r: bufio.NewReader(conn)}
}

func (c *raw) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.Conn, format, args...); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads the next response, which answers the method.
func (c *raw) answer(method string) answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	return readAnswer(c.t, resp)
}

// interim reads the next response, also one that is not the last.
func (c *raw) interim() answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode < http.StatusOK {
		return answer{resp, nil}
	}
	return readAnswer(c.t, resp)
}

// ended checks that the server has closed the connection.
func (c *raw) ended() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err == nil {
		c.t.Fatalf("the connection goes on with %q", b)
	}
}
