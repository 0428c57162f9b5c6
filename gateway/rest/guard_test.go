package rest_test

import (
	"net"
	"net/http"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
)

// In open mode a web page of another site gets nothing and changes nothing.
func TestOpenMode(t *testing.T) {
	r := newRig(t, rest.Config{Open: true})
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	here := "localhost:" + port
	for name, c := range map[string]struct {
		allowed bool
		fields  []string
	}{
		"curl":                       {true, nil},
		"localhost":                  {true, []string{"Host", "localhost"}},
		"localhost in capitals":      {true, []string{"Host", "LOCALHOST:1"}},
		"127.0.0.2":                  {true, []string{"Host", "127.0.0.2:80"}},
		"IPv6":                       {true, []string{"Host", "[::1]:8080"}},
		"IPv6 without port":          {true, []string{"Host", "[::1]"}},
		"mapped":                     {true, []string{"Host", "[::ffff:127.0.0.1]:80"}},
		"rebound name":               {false, []string{"Host", "evil.example:8080"}},
		"name that begins like one":  {false, []string{"Host", "localhost.evil.example"}},
		"name that begins like two":  {false, []string{"Host", "127.0.0.1.evil.example"}},
		"another address":            {false, []string{"Host", "10.0.0.1"}},
		"unspecified address":        {false, []string{"Host", "0.0.0.0"}},
		"own page":                   {true, []string{"Host", here, "Origin", "http://" + here, "Sec-Fetch-Site", "same-origin"}},
		"own page that tells no one": {true, []string{"Host", here, "Origin", "null", "Sec-Fetch-Site", "same-origin"}},
		"null, by address bar":       {false, []string{"Host", here, "Origin", "null", "Sec-Fetch-Site", "none"}},
		"null, of another site":      {false, []string{"Host", here, "Origin", "null", "Sec-Fetch-Site", "cross-site"}},
		"null, of another port":      {false, []string{"Host", here, "Origin", "null", "Sec-Fetch-Site", "same-site"}},
		"null, under a rebound name": {false, []string{"Host", "evil.example:" + port, "Origin", "null", "Sec-Fetch-Site", "same-origin"}},
		"not its origin, though so":  {false, []string{"Host", here, "Origin", "https://evil.example", "Sec-Fetch-Site", "same-origin"}},
		"null and another origin":    {false, []string{"Host", here, "Origin", "null", "Origin", "https://evil.example", "Sec-Fetch-Site", "same-origin"}},
		"typed into the address bar": {true, []string{"Sec-Fetch-Site", "none"}},
		"page on another port":       {false, []string{"Host", here, "Origin", "http://localhost:3000"}},
		"page of another site":       {false, []string{"Host", here, "Origin", "https://evil.example"}},
		"sandboxed page":             {false, []string{"Host", here, "Origin", "null"}},
		"origin that is none":        {false, []string{"Host", here, "Origin", "%"}},
		"image on another site":      {false, []string{"Sec-Fetch-Site", "cross-site"}},
		"another port, no cors":      {false, []string{"Sec-Fetch-Site", "same-site"}},
		"unknown site":               {false, []string{"Sec-Fetch-Site", "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/v1/spaces/default", "/healthz", "/nothing"} {
				a := r.get(path, c.fields...)
				if c.allowed == (a.StatusCode == http.StatusForbidden) {
					t.Errorf("%s: %s", path, a.Status)
				}
				if !c.allowed {
					a.wants(t, http.StatusForbidden, "PERMISSION_DENIED")
				}
			}
		})
	}
}

func TestOpenModeDropsCredentials(t *testing.T) {
	for _, open := range []bool{false, true} {
		r := newRig(t, rest.Config{Open: open})
		r.get("/v1/spaces/default", "Authorization", "Bearer x").wants(t, http.StatusOK)
		if got := r.world.callers[0].Authorization; (got == "") != open {
			t.Errorf("open %v: credential %q", open, got)
		}
	}
}

func TestOtherModesTakeAnyHost(t *testing.T) {
	r := newRig(t, rest.Config{})
	r.get("/healthz", "Host", "files.example.com", "Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site").wants(t, http.StatusOK)
	r.get("/v1/spaces/default", "Authorization", "Bearer x", "Authorization", "Bearer y").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
}
