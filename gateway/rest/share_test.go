package rest_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/rpc"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// sharing is the sharing side of a world: one link, "folder", to a folder with
// hostile names, behind the password "right".
type sharing struct {
	metadatav1.UnimplementedShareServiceServer
	asked []*metadatav1.OpenShareRequest
}

var hostileNames = []string{
	`<script>alert(1)</script>.html`, `"><img src=x onerror=alert(1)>.svg`, `javascript:alert(1)`,
	`'-alert(1)-'`, "a&b;c", "..%2f..%2fetc", "</title></ul><form action=//evil>", "\u202egpj.exe",
}

func (s *sharing) OpenShare(_ context.Context, req *metadatav1.OpenShareRequest) (*metadatav1.OpenShareResponse, error) {
	s.asked = append(s.asked, req)
	if req.GetToken() != "folder" {
		return nil, fault.New(errorsv1.Reason_REASON_NOT_FOUND, "no")
	}
	if req.GetPassword() != "right" && string(req.GetTicket()) != "ticket" {
		return nil, fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "no")
	}
	found := &metadatav1.OpenShareResponse{
		Node:   &metadatav1.OpenShareResponse_SharedNode{DisplayName: hostileNames[0], Kind: metadatav1.File_FOLDER},
		Ticket: []byte("ticket"), NextPageToken: "next",
	}
	for _, name := range hostileNames {
		found.Entries = append(found.Entries, &metadatav1.OpenShareResponse_SharedNode{DisplayName: name, Kind: metadatav1.File_FILE})
	}
	return found, nil
}

func newSharingRig(t *testing.T, cfg rest.Config) (*rig, *sharing) {
	t.Helper()
	s, w := new(sharing), newWorld()
	local := rpc.NewLocal(rpc.Config{Logger: slog.New(slog.DiscardHandler), Name: "metadata"})
	metadatav1.RegisterShareServiceServer(local, s)
	metadatav1.RegisterFileServiceServer(local, w)
	cfg.Metadata, cfg.Content, cfg.Uploads = local, w, w
	r := serve(t, w, cfg)
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return r, s
}

// Names on the pages of a share are text and nothing else, whatever they hold,
// and the page may run and load nothing.
func TestSharePageXSS(t *testing.T) {
	r, _ := newSharingRig(t, rest.Config{})
	a := r.get("/s/folder", "Accept", "text/html", "Cookie", "holdfast_share=dGlja2V0")
	a.wants(t, http.StatusOK)
	page := string(a.body)
	for _, bad := range []string{"<script", "<img", "onerror=alert(1)>", `href="javascript:`, "<form", "</ul><"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q:\n%s", bad, page)
		}
	}
	for _, name := range hostileNames {
		if want := `href="/s/folder/` + url.PathEscape(name); !strings.Contains(strings.ReplaceAll(page, "&amp;", "&"), want[:min(len(want), 24)]) {
			t.Errorf("no link to %q", name)
		}
	}
	for field, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer",
	} {
		a.wantsField(t, field, want)
	}
	if policy := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
	text := r.get("/s/folder", "Cookie", "holdfast_share=dGlja2V0")
	text.wants(t, http.StatusOK)
	if strings.Contains(string(text.body), "dGlja2V0") {
		t.Error("the JSON of a folder holds the proof of its password")
	}
}

// A password is taken from the form and from Basic, never from the URL, and
// comes back as a cookie that scripts cannot read and no other link gets.
func TestSharePasswordOverHTTP(t *testing.T) {
	r, s := newSharingRig(t, rest.Config{})
	a := r.get("/s/folder")
	a.wants(t, http.StatusUnauthorized, "UNAUTHENTICATED")
	a.wantsField(t, "Www-Authenticate", `Basic realm="share", charset="UTF-8"`)
	if a := r.get("/s/folder", "Accept", "text/html"); a.StatusCode != http.StatusUnauthorized ||
		!strings.Contains(string(a.body), `type="password"`) || strings.HasPrefix(a.Header.Get("Www-Authenticate"), "Basic") {
		t.Errorf("a browser gets %s, %q\n%s", a.Status, a.Header.Get("Www-Authenticate"), a.body)
	}
	r.get("/s/folder?password=right").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	const form = "application/x-www-form-urlencoded"
	r.post("/s/folder", "password=wrong", "Content-Type", form).wants(t, http.StatusUnauthorized, "UNAUTHENTICATED")
	r.post("/s/folder", strings.Repeat("x", 5000), "Content-Type", form).wants(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
	a = r.post("/s/folder", "password=right", "Content-Type", form)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/s/folder" {
		t.Errorf("%s to %q", a.Status, a.Header.Get("Location"))
	}
	cookie := a.Header.Get("Set-Cookie")
	for _, want := range []string{"holdfast_share=dGlja2V0", "Path=/s/folder", "HttpOnly", "SameSite=Lax", "Max-Age=3600"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie %q is without %s", cookie, want)
		}
	}
	r.get("/s/folder", "Authorization", "Basic OnJpZ2h0").wants(t, http.StatusOK)
	for _, path := range []string{"/s/folder/..", "/s/folder/%2e%2e/x", "/s/folder/a%2fb", "/s/folder//x", "/s/folder/a%00", "/s/folder/%ff"} {
		before := len(s.asked)
		if a := r.get(path, "Cookie", "holdfast_share=dGlja2V0"); a.StatusCode != http.StatusBadRequest || len(s.asked) != before {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
}

// Where nobody proves who he is, browsers can still send our own form. As its page
// has them tell nobody where they come from, they send Origin: null (Fetch
// standard, "append a request Origin header"), which a page of another site can
// have them send as well.
func TestSharePasswordInOpenMode(t *testing.T) {
	r, s := newSharingRig(t, rest.Config{Open: true})
	const form = "application/x-www-form-urlencoded"
	r.get("/s/folder", "Accept", "text/html").wantsField(t, "Referrer-Policy", "no-referrer")
	s.asked = nil
	for _, fields := range [][]string{nil, {"Sec-Fetch-Site", "cross-site"}} {
		r.post("/s/folder", "password=right", append(fields, "Content-Type", form, "Origin", "null")...).
			wants(t, http.StatusForbidden, "PERMISSION_DENIED")
	}
	if len(s.asked) != 0 {
		t.Errorf("asked %v", s.asked)
	}
	a := r.post("/s/folder", "password=right", "Content-Type", form, "Origin", "null", "Sec-Fetch-Site", "same-origin")
	a.wants(t, http.StatusSeeOther)
	a.wantsField(t, "Location", "/s/folder")
}

// The cookie of a share is Secure where its client speaks TLS, to us or to the
// proxies before us. A browser would drop it elsewhere, and be asked for the
// password for ever.
func TestShareCookieIsSecure(t *testing.T) {
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	proxied := func(proxies int, networks ...netip.Prefix) rest.Config {
		return rest.Config{Bounds: rest.Bounds{TrustedProxies: proxies, ProxyNetworks: networks}}
	}
	for name, c := range map[string]struct {
		cfg    rest.Config
		tls    bool
		fields []string
		secure bool
	}{
		"plain, on a network":       {rest.Config{}, false, []string{"Host", "nas:8080"}, false},
		"plain, loopback":           {rest.Config{}, false, []string{"Host", "localhost:8080"}, false},
		"plain, it claims a proxy":  {rest.Config{}, false, []string{"Host", "nas:8080", "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"}, false},
		"TLS, on a network":         {rest.Config{}, true, []string{"Host", "nas:8443"}, true},
		"TLS, loopback":             {rest.Config{}, true, nil, true},
		"behind a proxy":            {proxied(1, loopback), false, []string{"Host", "files.example.com", "X-Forwarded-For", "192.0.2.1"}, true},
		"behind two":                {proxied(2, loopback), false, []string{"Host", "files.example.com", "X-Forwarded-For", "192.0.2.1, 198.51.100.7", "X-Forwarded-Proto", "http"}, true},
		"behind a proxy, loopback":  {proxied(1, loopback), false, []string{"Host", "localhost:8080", "X-Forwarded-For", "127.0.0.1"}, false},
		"past the proxy":            {proxied(1, netip.MustParsePrefix("10.0.0.0/8")), false, []string{"Host", "nas:8080", "X-Forwarded-For", "192.0.2.1"}, false},
		"past the first of two":     {proxied(2, loopback), false, []string{"Host", "nas:8080", "X-Forwarded-For", "192.0.2.1"}, false},
		"past both, from their net": {proxied(2, loopback), false, []string{"Host", "nas:8080"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newSharingRig(t, c.cfg)
			if c.tls {
				overTLS(t, r)
			}
			a := r.post("/s/folder", "password=right", append(c.fields, "Content-Type", "application/x-www-form-urlencoded")...)
			a.wants(t, http.StatusSeeOther)
			if cookies := a.Cookies(); len(cookies) != 1 || cookies[0].Secure != c.secure {
				t.Errorf("%v, want Secure to be %v", a.Header["Set-Cookie"], c.secure)
			}
		})
	}
}

// overTLS has a rig answer over TLS, and its client speak that.
func overTLS(t *testing.T, r *rig) {
	t.Helper()
	server := httptest.NewTLSServer(r.handler)
	t.Cleanup(server.Close)
	dialer := tls.Dialer{Config: server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()}
	r.addr = server.Listener.Addr().String()
	r.client.Transport = &http.Transport{DialContext: dialer.DialContext}
}
