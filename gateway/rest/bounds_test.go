package rest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/internal/caller"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// behindProxy are the bounds of a gateway behind one proxy on loopback.
func behindProxy(b rest.Bounds) rest.Config {
	b.TrustedProxies, b.ProxyNetworks = 1, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return rest.Config{Bounds: b}
}

// A flood from one address is refused with the time after which to come back;
// others, and whoever watches over the process, are served.
func TestFloodFromOneAddress(t *testing.T) {
	r := newRig(t, behindProxy(rest.Bounds{AddressRate: 0.01, AddressBurst: 20}))
	var mu sync.Mutex
	got := map[int]int{}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			a := r.get("/v1/spaces", "X-Forwarded-For", "192.0.2.1")
			mu.Lock()
			defer mu.Unlock()
			got[a.StatusCode]++
		})
	}
	all.Wait()
	if got[http.StatusTooManyRequests] != 80 || len(got) != 2 {
		t.Errorf("of 100 requests with a burst of 20: %v", got)
	}
	a := r.get("/v1/spaces", "X-Forwarded-For", "192.0.2.1")
	a.wants(t, http.StatusTooManyRequests, "RATE_LIMITED")
	a.wantsField(t, "Ratelimit-Policy", `"address";q=20;w=2000`)
	if a.Header.Get("Retry-After") == "" || !strings.HasPrefix(a.Header.Get("Ratelimit"), `"address";r=0;t=`) {
		t.Errorf("Retry-After %q, RateLimit %q", a.Header.Get("Retry-After"), a.Header.Get("Ratelimit"))
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		r.get(path, "X-Forwarded-For", "192.0.2.1").wants(t, http.StatusOK)
	}
	if a := r.get("/v1/spaces", "X-Forwarded-For", "192.0.2.2"); a.StatusCode == http.StatusTooManyRequests {
		t.Error("another address is refused")
	}
}

// Who is bounded is told in every answer how he stands, and nobody else is.
func TestStandingIsTold(t *testing.T) {
	r := newRig(t, behindProxy(rest.Bounds{AddressRate: 0.01, AddressBurst: 20, CredentialRate: 0.01, CredentialBurst: 5}))
	for left := 4; left >= 0; left-- {
		a := r.get("/v1/spaces", "X-Forwarded-For", "192.0.2.1", "Authorization", "Bearer one")
		a.wantsField(t, "Ratelimit-Policy", `"address";q=20;w=2000, "credential";q=5;w=500`)
		a.wantsField(t, "Ratelimit", fmt.Sprintf(`"address";r=%d, "credential";r=%d`, left+15, left))
	}
	a := r.get("/v1/spaces", "X-Forwarded-For", "192.0.2.1", "Authorization", "Bearer one")
	a.wants(t, http.StatusTooManyRequests, "RATE_LIMITED")
	a.wantsField(t, "Ratelimit-Policy", `"credential";q=5;w=500`)
	for _, address := range []string{"127.0.0.1", "::1"} {
		a := r.get("/v1/spaces", "X-Forwarded-For", address, "Authorization", "Bearer one")
		a.wantsField(t, "Ratelimit", "")
	}
	a = newRig(t, behindProxy(rest.Bounds{})).get("/v1/spaces", "X-Forwarded-For", "192.0.2.1")
	a.wantsField(t, "Ratelimit-Policy", "")
}

// One credential is one client, wherever it is used and however it is written.
func TestFloodWithOneCredential(t *testing.T) {
	r := newRig(t, behindProxy(rest.Bounds{CredentialRate: 0.01, CredentialBurst: 3}))
	refused := 0
	spelled := []string{"Bearer one", "bearer one", "BEARER  one", "Bearer one ", "Bearer    one"}
	for i := range 10 {
		a := r.get("/v1/spaces", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i), "Authorization", spelled[i%len(spelled)])
		if a.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 7 {
		t.Errorf("%d of 10 requests were refused, want 7", refused)
	}
}

// Slow bodies from one address hold so many exchanges and no more.
func TestSlowBodies(t *testing.T) {
	r := newRig(t, behindProxy(rest.Bounds{AddressConcurrency: 2}))
	var pipes []*io.PipeWriter
	var all sync.WaitGroup
	for i := range 2 {
		body, pipe := io.Pipe()
		pipes = append(pipes, pipe)
		all.Go(func() {
			r.do("PUT", fmt.Sprintf("/%s/slow%d", "v1/spaces/default/paths", i), body, "X-Forwarded-For", "192.0.2.1")
		})
		<-r.started
	}
	r.get("/v1/spaces", "X-Forwarded-For", "192.0.2.1").wants(t, http.StatusTooManyRequests, "RATE_LIMITED")
	if a := r.get("/v1/spaces", "X-Forwarded-For", "192.0.2.2"); a.StatusCode == http.StatusTooManyRequests {
		t.Error("another address is refused")
	}
	for _, pipe := range pipes {
		if err := pipe.Close(); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	if a := r.get("/v1/spaces", "X-Forwarded-For", "192.0.2.1"); a.StatusCode == http.StatusTooManyRequests {
		t.Error("refused although nothing is under way any more")
	}
}

// The address of a viewer is what the proxies before us appended, counted from
// the right; what the viewer wrote itself is never believed.
func TestForgedForwarding(t *testing.T) {
	for name, test := range map[string]struct {
		proxies int
		peers   string
		lines   []string
		want    string
	}{
		"no proxy":             {0, "127.0.0.0/8", []string{"9.9.9.9"}, "127.0.0.1"},
		"peer not trusted":     {1, "10.0.0.0/8", []string{"9.9.9.9"}, "127.0.0.1"},
		"one proxy":            {1, "127.0.0.0/8", []string{"192.0.2.7"}, "192.0.2.7"},
		"forged before one":    {1, "127.0.0.0/8", []string{"9.9.9.9, 192.0.2.7"}, "192.0.2.7"},
		"forged line":          {1, "127.0.0.0/8", []string{"9.9.9.9", "192.0.2.7"}, "192.0.2.7"},
		"two proxies":          {2, "127.0.0.0/8", []string{"9.9.9.9,127.0.0.1 , 192.0.2.7:4711, 130.176.1.1"}, "192.0.2.7"},
		"too few hops":         {2, "127.0.0.0/8", []string{"9.9.9.9"}, "127.0.0.1"},
		"nonsense":             {1, "127.0.0.0/8", []string{"9.9.9.9, <script>"}, "127.0.0.1"},
		"IPv6 with brackets":   {1, "127.0.0.0/8", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		"IPv4 in disguise":     {1, "127.0.0.0/8", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
		"no forwarding at all": {1, "127.0.0.0/8", nil, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rest.Config{Bounds: rest.Bounds{
				TrustedProxies: test.proxies, ProxyNetworks: []netip.Prefix{netip.MustParsePrefix(test.peers)},
			}})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.addr+"/v1/spaces", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header["X-Forwarded-For"] = test.lines
			req.Header.Set("Cloudfront-Viewer-Address", "9.9.9.9:1")
			req.Header.Set("X-Real-Ip", "9.9.9.9")
			req.Header.Set("Forwarded", "for=9.9.9.9")
			resp, err := r.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Fatal(err)
			}
			if got := r.lastCaller(); got.Address != test.want {
				t.Errorf("the viewer is %q, want %q", got.Address, test.want)
			}
		})
	}
}

// lastCaller returns who the last call was from.
func (r *rig) lastCaller() caller.Caller {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.callers) == 0 {
		return caller.Caller{}
	}
	return r.callers[len(r.callers)-1]
}

// JSON that is deep, and bodies that are compressed to be large, are refused
// before anything is made of them.
func TestBombs(t *testing.T) {
	r := newRig(t, rest.Config{})
	const folder = "/v1/spaces/default/files"
	deep := strings.Repeat(`{"labels":`, 11_000) + strings.Repeat("}", 11_000)
	r.post(folder, deep, "Content-Type", "application/json").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	r.post(folder, strings.Repeat("[", 100<<10), "Content-Type", "application/json").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	r.post(folder, `{"displayName":"`+strings.Repeat("x", 1<<20)+`"}`, "Content-Type", "application/json").
		wants(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
	r.post(folder, strings.Repeat(" ", 1<<20)+"{}", "Content-Type", "application/json").
		wants(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
	r.post(folder, "\x1f\x8b", "Content-Type", "application/json", "Content-Encoding", "gzip").
		wants(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA")
	r.put("/v1/spaces/default/paths/bomb", "\x1f\x8b", "Content-Encoding", "gzip").
		wants(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA")
	for name, c := range map[string]*raw{"header": r.dial(), "target": r.dial()} {
		if name == "header" {
			c.send("GET /v1/spaces HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", 64<<10))
		} else {
			c.send("GET /v1/%s HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("x", 64<<10))
		}
		if a := c.answer("GET"); a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a long %s: %s", name, a.Status)
		}
	}
	if req := last[*metadatav1.CreateFileRequest](r.world); req != nil {
		t.Errorf("metadata was asked: %v", req)
	}
}
