package rest_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/openapi"
	"github.com/holdfast-files/holdfast/gateway/rest"
)

// TestDescription compares the routes with the description of them: each has
// all that the other has.
func TestDescription(t *testing.T) {
	h, err := rest.New(rest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(openapi.Document(), &described); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, route := range h.Routes() {
		for method := range strings.SplitSeq(route.Allow, ", ") {
			if method != http.MethodHead && method != http.MethodOptions { // every GET has its HEAD
				want = append(want, method+" "+route.Pattern)
			}
		}
	}
	for path, item := range described.Paths {
		pattern := strings.ReplaceAll(path, "{path}", "**")
		pattern = regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(pattern, "*")
		for key := range item {
			if method := strings.ToUpper(key); method != "PARAMETERS" && method != http.MethodOptions {
				got = append(got, method+" "+pattern)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("described are\n%s\nbut there are\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPages(t *testing.T) {
	r := newRig(t, rest.Config{})
	for path, mediaType := range map[string]string{
		"/docs": "text/html; charset=utf-8", "/openapi.json": "application/json",
		"/healthz": "application/json", "/readyz": "application/json",
	} {
		a := r.get(path)
		a.wants(t, http.StatusOK)
		a.wantsField(t, "Content-Type", mediaType)
		a.wantsField(t, "X-Content-Type-Options", "nosniff")
		head := r.do(http.MethodHead, path, nil)
		head.wants(t, http.StatusOK)
		head.wantsField(t, "Content-Length", a.Header.Get("Content-Length"))
	}
	page := r.get("/docs")
	if policy := page.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("the page may load something: %s", policy)
	}
	for _, name := range []string{"CreateFile", "UploadPath", "/v1/spaces/{space}/files:lookup", "Idempotency-Key"} {
		if !strings.Contains(string(page.body), name) {
			t.Errorf("the page does not show %s", name)
		}
	}
}
