package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/internal/settings"
)

const app = "https://app.example.com"

// Pages of allowed origins get answers that their browsers let them read, in
// open mode too; pages of others get what they got before.
func TestOrigins(t *testing.T) {
	for _, open := range []bool{false, true} {
		r := newRig(t, rest.Config{Open: open, Origins: []string{app, "http://localhost:3000"}})
		for origin, allowed := range map[string]bool{
			app: true, "HTTPS://APP.EXAMPLE.COM": true, "http://localhost:3000": true, "http://app.example.com": false,
			"https://app.example.com.evil.example": false, "https://app.example.com:8443": false, "null": false, "*": false,
		} {
			a := r.get("/v1/spaces/default", "Origin", origin, "Sec-Fetch-Site", "cross-site")
			want := ""
			if allowed {
				want = origin
			}
			a.wantsField(t, "Access-Control-Allow-Origin", want)
			a.wantsField(t, "Access-Control-Allow-Credentials", "")
			a.wantsField(t, "Vary", "Origin")
			status := http.StatusOK
			if open && !allowed {
				status = http.StatusForbidden
			}
			if a.StatusCode != status {
				t.Errorf("open %v, %s: %s", open, origin, a.Status)
			}
		}
		// Errors can be read as well.
		r.get("/nothing", "Origin", app).wantsField(t, "Access-Control-Allow-Origin", app)
		// Two origins are none.
		r.get("/v1/spaces/default", "Origin", app, "Origin", "http://localhost:3000").wantsField(t, "Access-Control-Allow-Origin", "")
		// A name that resolves to this machine is no origin.
		if a := r.get("/v1/spaces/default", "Host", "evil.example", "Origin", app); open && a.StatusCode != http.StatusForbidden {
			t.Errorf("rebound name: %s", a.Status)
		}
	}
}

func TestPreflight(t *testing.T) {
	r := newRig(t, rest.Config{Open: true, Origins: []string{app}})
	ask := []string{"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "tus-resumable,upload-offset"}
	for path, methods := range map[string]string{
		uploadsURL:                        "POST, OPTIONS",
		uploadsURL + "/u1":                "GET, HEAD, PATCH, DELETE, OPTIONS",
		"/v1/spaces/default/paths/a":      "GET, HEAD, PUT, DELETE, OPTIONS",
		"/v1/spaces/default/files/f1":     "GET, HEAD, PATCH, DELETE",
		"/v1/spaces/default/files:lookup": "GET, HEAD",
	} {
		a := r.do(http.MethodOptions, path, nil, append(ask, "Origin", app)...)
		a.wants(t, http.StatusNoContent)
		a.wantsField(t, "Access-Control-Allow-Origin", app)
		a.wantsField(t, "Access-Control-Allow-Methods", methods)
		a.wantsField(t, "Access-Control-Max-Age", "7200")
		for _, field := range []string{"Tus-Resumable", "Upload-Offset", "Upload-Complete", "X-HTTP-Method-Override", "Authorization", "If-None-Match"} {
			if !strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), field) {
				t.Errorf("%s may not be sent", field)
			}
		}
	}
	r.do(http.MethodOptions, uploadsURL, nil, append(ask, "Origin", "https://evil.example")...).wants(t, http.StatusForbidden, "PERMISSION_DENIED")
	if got := r.do(http.MethodOptions, "/nothing", nil, append(ask, "Origin", app)...); got.StatusCode != http.StatusNotFound {
		t.Errorf("of nothing: %s", got.Status)
	}
}

// A page gets to read that its client asks for too much, and when to come back:
// its preflight is answered nevertheless, and the refusal of the request itself
// names its origin, like every refusal that comes before a route is found.
func TestPagesReadRefusals(t *testing.T) {
	cfg := behindProxy(rest.Bounds{AddressRate: 0.01, AddressBurst: 1})
	cfg.Origins = []string{app}
	r := newRig(t, cfg)
	client := []string{"Origin", app, "X-Forwarded-For", "192.0.2.1"}
	readable := func(a answer, fields ...string) {
		t.Helper()
		a.wantsField(t, "Access-Control-Allow-Origin", app)
		a.wantsField(t, "Vary", "Origin")
		exposed := a.Header.Get("Access-Control-Expose-Headers")
		for _, field := range fields {
			if a.Header.Get(field) == "" || !strings.Contains(exposed, field) {
				t.Errorf("%s: %s %q cannot be read", a.Status, field, a.Header.Get(field))
			}
		}
	}
	r.get("/v1/spaces", client...)
	a := r.get("/v1/spaces", client...)
	a.wants(t, http.StatusTooManyRequests, "RATE_LIMITED")
	readable(a, "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id")

	a = r.do(http.MethodOptions, "/v1/spaces", nil, append(client, "Access-Control-Request-Method", "GET")...)
	a.wants(t, http.StatusNoContent)
	a.wantsField(t, "Access-Control-Allow-Origin", app)
	r.do(http.MethodOptions, "/v1/spaces", nil, append(client, "Access-Control-Request-Method", "GET", "Origin", "https://evil.example")...).
		wants(t, http.StatusTooManyRequests, "RATE_LIMITED")
	r.do(http.MethodOptions, "/v1/spaces", nil, client...).wants(t, http.StatusTooManyRequests, "RATE_LIMITED")

	a = r.get("/v1/spaces", "Origin", app, "Authorization", "Bearer x", "Authorization", "Bearer y")
	a.wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	readable(a)

	r = newRig(t, rest.Config{Origins: []string{app}, Limits: rest.Limits{Requests: 1}})
	release := r.hold(1)
	a = r.get("/v1/spaces", "Origin", app)
	a.wants(t, http.StatusServiceUnavailable, "UNAVAILABLE")
	readable(a, "Retry-After")
	release()
}

// Every field that a protocol answers with can be read by pages.
func TestExposedFields(t *testing.T) {
	r := newRig(t, rest.Config{Origins: []string{app}})
	exposed := "," + strings.ReplaceAll(strings.ToLower(r.get("/healthz", "Origin", app).Header.Get("Access-Control-Expose-Headers")), " ", "") + ","
	created := r.post(uploadsURL, "a", offsetType("Tus-Resumable", "1.0.0", "Upload-Defer-Length", "1", "Upload-Metadata", metadataOf("a", "b"))...)
	for _, a := range []answer{
		created,
		r.do(http.MethodHead, created.Header.Get("Location"), nil, tusMark...),
		r.do(http.MethodHead, created.Header.Get("Location"), nil),
		r.do(http.MethodOptions, uploadsURL, nil),
		r.post(uploadsURL, "a", "Upload-Complete", "?1"),
	} {
		for name := range a.Header {
			readable := strings.Contains(exposed, ","+strings.ToLower(name)+",")
			switch name {
			case "Cache-Control", "Content-Length", "Content-Type": // always
			case "Date", "Vary", "X-Content-Type-Options", "Connection": // nothing for a page
			default:
				if !readable {
					t.Errorf("%s cannot be read", name)
				}
			}
		}
	}
}

func TestPagesCheck(t *testing.T) {
	for origin, good := range map[string]bool{
		"https://app.example.com": true, "http://localhost:3000": true, "http://[::1]:8080": true,
		"*": false, "null": false, "": false, "app.example.com": false, "https://app.example.com/": false, "ftp://a": false, "https://": false, "https://a/b": false, "https://u@a": false,
	} {
		var check settings.Check
		rest.Pages{CORSOrigins: []string{origin}}.Check(&check)
		if (check.Err() == nil) != good {
			t.Errorf("%q: %v", origin, check.Err())
		}
	}
}
