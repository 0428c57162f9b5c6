package rest_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
)

// overHTTP2 makes the client of a rig speak HTTP/2.
func (r *rig) overHTTP2() {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	r.client.Transport.(*http.Transport).Protocols = protocols
}

// hold begins n uploads that do not end until the function that it returns is
// called. Fields are names and values in turn.
func (r *rig) hold(n int, fields ...string) (release func()) {
	var pipes []*io.PipeWriter
	var all sync.WaitGroup
	for i := range n {
		body, pipe := io.Pipe()
		pipes = append(pipes, pipe)
		all.Go(func() { r.do("PUT", fmt.Sprintf("/v1/spaces/default/paths/held%d", i), body, fields...) })
		<-r.started
	}
	return func() {
		for _, pipe := range pipes {
			if err := pipe.Close(); err != nil {
				r.t.Error(err)
			}
		}
		all.Wait()
	}
}

// Of bodies over HTTP/2 there are only so many at a time, whatever the number of
// connections and streams: what the transport takes of each is bounded together.
func TestBodiesOverHTTP2(t *testing.T) {
	r := newRig(t, rest.Config{Limits: rest.Limits{StreamBodies: 3}})
	r.overHTTP2()
	release := r.hold(3)
	a := r.put("/v1/spaces/default/paths/more", "more")
	a.wants(t, http.StatusServiceUnavailable, "UNAVAILABLE")
	a.wantsField(t, "Retry-After", "1")
	r.get("/healthz").wants(t, http.StatusOK)
	if a := r.get("/v1/spaces"); a.StatusCode == http.StatusServiceUnavailable {
		t.Error("a request without a body is refused")
	}
	release()
	if a := r.put("/v1/spaces/default/paths/more", "more"); a.ProtoMajor != 2 || a.StatusCode != http.StatusCreated {
		t.Errorf("when the others have ended: %s %s", a.Proto, a.Status)
	}
}

// One client does not have all of the bodies over HTTP/2, but an eighth.
func TestBodiesOfOneClient(t *testing.T) {
	cfg := behindProxy(rest.Bounds{AddressConcurrency: 100})
	cfg.Limits = rest.Limits{StreamBodies: 16}
	r := newRig(t, cfg)
	r.overHTTP2()
	const path = "/v1/spaces/default/paths/more"
	release := r.hold(2, "X-Forwarded-For", "192.0.2.1")
	for range 3 {
		a := r.put(path, "more", "X-Forwarded-For", "192.0.2.1")
		a.wants(t, http.StatusTooManyRequests, "RATE_LIMITED")
		a.wantsField(t, "Retry-After", "1")
		if _, message := a.errorOf(t); !strings.Contains(message, "bodies over HTTP/2 of this address") {
			t.Errorf("it is told %q", message)
		}
	}
	r.get("/v1/spaces", "X-Forwarded-For", "192.0.2.1").wants(t, http.StatusOK)
	r.put(path, "more", "X-Forwarded-For", "192.0.2.2").wants(t, http.StatusCreated)
	r.hold(3)() // nobody on this machine is bounded
	release()
	r.put(path, "more", "X-Forwarded-For", "192.0.2.1").wants(t, http.StatusOK)
}

// Requests under way are bounded in all, over HTTP/2 too.
func TestRequestsInAll(t *testing.T) {
	for _, proto := range []int{1, 2} {
		t.Run(fmt.Sprintf("HTTP %d", proto), func(t *testing.T) {
			r := newRig(t, rest.Config{Limits: rest.Limits{Requests: 3}})
			if proto == 2 {
				r.overHTTP2()
			}
			release := r.hold(3)
			r.get("/v1/spaces").wants(t, http.StatusServiceUnavailable, "UNAVAILABLE")
			r.get("/readyz").wants(t, http.StatusOK)
			release()
			if a := r.get("/v1/spaces"); a.StatusCode == http.StatusServiceUnavailable {
				t.Error("refused although nothing is under way any more")
			}
		})
	}
}

// Bodies of JSON share one memory, which they take as their bytes come: small ones
// pass while large ones have taken it all, and all of it comes back.
func TestJSONMemory(t *testing.T) {
	r := newRig(t, rest.Config{Limits: rest.Limits{JSONMemory: 20 << 10}})
	const folder = "/v1/spaces/default/files"
	large := `{"displayName":"` + strings.Repeat("x", 14<<10) + `"}`
	body, pipe := io.Pipe()
	var held sync.WaitGroup
	held.Go(func() { r.do("POST", folder, body, "Content-Type", "application/json") })
	if _, err := io.WriteString(pipe, large[:len(large)-1]); err != nil {
		t.Fatal(err)
	}
	for r.handler.JSONMemoryLeft() > 8<<10 {
		runtime.Gosched()
	}
	r.post(folder, large, "Content-Type", "application/json").wants(t, http.StatusServiceUnavailable, "UNAVAILABLE")
	if a := r.post(folder, `{"displayName":"a","kind":"FOLDER"}`, "Content-Type", "application/json"); a.StatusCode != http.StatusCreated {
		t.Errorf("a small body beside a large one: %s %s", a.Status, a.body)
	}
	if _, err := io.WriteString(pipe, "}"); err != nil || pipe.Close() != nil {
		t.Fatal(err)
	}
	held.Wait()
	for range 5 {
		if a := r.post(folder, large, "Content-Type", "application/json"); a.StatusCode == http.StatusServiceUnavailable {
			t.Fatal("memory did not come back")
		}
	}
}

// Nor has one client all of the memory for JSON: what is beyond his share is
// refused, and others go on.
func TestJSONMemoryOfOneClient(t *testing.T) {
	cfg := behindProxy(rest.Bounds{AddressConcurrency: 100})
	cfg.Limits = rest.Limits{JSONMemory: 160 << 10, JSONBytes: 20 << 10}
	r := newRig(t, cfg)
	large := `{"displayName":"` + strings.Repeat("x", 14<<10) + `"}`
	from := func(address string) []string {
		return []string{"Content-Type", "application/json", "X-Forwarded-For", address}
	}
	body, pipe := io.Pipe()
	var held sync.WaitGroup
	held.Go(func() { r.do("POST", filesURL, body, from("192.0.2.1")...) })
	if _, err := io.WriteString(pipe, large[:len(large)-1]); err != nil {
		t.Fatal(err)
	}
	for r.handler.JSONMemoryLeft() > 148<<10 {
		runtime.Gosched()
	}
	for range 3 {
		a := r.post(filesURL, large, from("192.0.2.1")...)
		a.wants(t, http.StatusTooManyRequests, "RATE_LIMITED")
		a.wantsField(t, "Retry-After", "1")
	}
	r.post(filesURL, large, from("192.0.2.2")...).wants(t, http.StatusCreated)
	r.post(filesURL, `{"displayName":"a"}`, from("192.0.2.1")...).wants(t, http.StatusCreated)
	if _, err := io.WriteString(pipe, "}"); err != nil || pipe.Close() != nil {
		t.Fatal(err)
	}
	held.Wait()
	r.post(filesURL, large, from("192.0.2.1")...).wants(t, http.StatusCreated)
}
