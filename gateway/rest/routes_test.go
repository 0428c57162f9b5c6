package rest_test

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
)

var update = flag.Bool("update", false, "write the golden files")

// TestRoutes compares what the gateway answers to with the table in testdata,
// which is the contract.
func TestRoutes(t *testing.T) {
	h, err := rest.New(rest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, route := range h.Routes() {
		table.WriteString(route.Pattern + "  " + route.Allow + "\n")
	}
	golden := filepath.Join("testdata", "routes.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if table.String() != string(want) {
		t.Errorf("routes are\n%swant\n%s", table.String(), want)
	}
}

// TestMethods sends every method to every route: one that is not allowed is
// 405 with what is, and every GET has its HEAD.
func TestMethods(t *testing.T) {
	r := newRig(t, rest.Config{})
	h, err := rest.New(rest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"}
	for _, route := range h.Routes() {
		path := strings.NewReplacer("**", "a/b", "*", "x").Replace(route.Pattern)
		allowed := strings.Split(route.Allow, ", ")
		for _, method := range all {
			a := r.do(method, path, nil)
			isAllowed := false
			for _, m := range allowed {
				isAllowed = isAllowed || m == method
			}
			// A method that is allowed and whose call nobody implements here has no Allow.
			if isAllowed == (a.StatusCode == http.StatusMethodNotAllowed && a.Header.Get("Allow") != "") {
				t.Errorf("%s %s: %s", method, path, a.Status)
			}
			if isAllowed {
				continue
			}
			a.wantsField(t, "Allow", route.Allow)
			if method != "HEAD" {
				a.wants(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
			}
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	r := newRig(t, rest.Config{})
	for _, path := range []string{
		"/", "/v1", "/v2/spaces", "/v1/spaces/default/nothing", "/v1/spaces/default/paths", "/v1/spaces/default/files/x/y",
		"/v1/spaces/default/files/x:copy", "/v1/spaces/default/files/x:", "/v1/spaces/default/files/:move", "/v1/spaces/default/files:move",
		"/v1/spaces/default/files/x:move/y", "/v1/spaces:lookup", "/HEALTHZ", "/v1/Spaces", "/favicon.ico",
	} {
		a := r.get(path)
		if a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, a.Status)
			continue
		}
		a.wants(t, http.StatusNotFound, "NOT_FOUND")
	}
}

// TestPaths sends paths that no client library would, over a bare connection.
func TestPaths(t *testing.T) {
	r := newRig(t, rest.Config{})
	r.world.put("/docs/a b.txt", "text/plain", "x")
	r.world.put("/docs/日本", "text/plain", "x")
	r.world.put(`/docs/a%2Fb\c:d?e`, "text/plain", "x")
	for path, status := range map[string]int{
		"/v1/spaces/default/paths/docs/a%20b.txt":                    200,
		"/v1/spaces/default/paths/docs/%61%20b%2Etxt":                200,
		"/v1/spaces/default/paths/docs/%E6%97%A5%E6%9C%AC":           200,
		"/v1/spaces/default/paths/docs/\xe6\x97\xa5\xe6\x9c\xac":     200,
		"/v1/spaces/default/paths/docs/a%252Fb%5Cc:d%3Fe":            200,
		"/v1/%73paces/default/paths/docs/a%20b.txt":                  200,
		"http://localhost/v1/spaces/default/paths/docs/a%20b.txt":    200,
		"/v1/spaces/default/paths/docs/a+b.txt":                      404,
		"/v1/spaces/default/paths/docs%2Fa%20b.txt":                  400,
		"/v1/spaces/default/paths/docs%2fa%20b.txt":                  400,
		"/v1/spaces/default/paths/docs/./a%20b.txt":                  400,
		"/v1/spaces/default/paths/docs/../docs/a%20b.txt":            400,
		"/v1/spaces/default/paths/docs/%2e%2e/docs":                  400,
		"/v1/spaces/default/paths/docs/.%2E":                         400,
		"/v1/spaces/default/paths/docs/%2e":                          400,
		"/v1/spaces/default/paths/..":                                400,
		"/v1/spaces/default/paths/":                                  400,
		"/v1/spaces/default/paths//docs":                             400,
		"/v1/spaces/default/paths/docs//a":                           400,
		"/v1/spaces/default/paths/docs/":                             400,
		"/v1/spaces/default/paths/a%00b":                             400,
		"/v1/spaces/default/paths/a%0Ab":                             400,
		"/v1/spaces/default/paths/a%7Fb":                             400,
		"/v1/spaces/default/paths/a%C2%85b":                          400,
		"/v1/spaces/default/paths/a%FFb":                             400,
		"/v1/spaces/default/paths/a%C0%AFb":                          400,
		"/v1/spaces/default/paths/a%ED%A0%80b":                       400,
		"/v1/spaces/default/paths/100%":                              400,
		"/v1/spaces/default/paths/%zz":                               400,
		"/v1/spaces/default/paths/%2":                                400,
		"/v1/../v1/spaces":                                           400,
		"/v1/./spaces":                                               400,
		"//v1/spaces":                                                400,
		"/v1//spaces":                                                400,
		"/v1/spaces/":                                                400,
		"/v1/spaces/a%2Fb":                                           400,
		"/v1/spaces/default/files/a%2Fcontent":                       400,
		"/v1/spaces/default/files/%2e%2e/content":                    400,
		"/v1/spaces/default/files/a b":                               400,
		"/v1/spaces/default/files/a%3Amove":                          400,
		"/v1/spaces/default/files/a;b":                               400,
		"/v1/spaces/default/paths/a/%2E%2E/%2E%2E/%2E%2E/etc/passwd": 400,
	} {
		c := r.dial()
		c.send("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
		a := c.answer(http.MethodGet)
		if a.StatusCode != status {
			t.Errorf("%q: %s, want %d; %s", path, a.Status, status, a.body)
			continue
		}
		if status == http.StatusBadRequest {
			a.wants(t, status, "INVALID_ARGUMENT")
		}
		if len(a.Header["Location"]) != 0 {
			t.Errorf("%q: redirected", path)
		}
	}
}
