package e2e_test

import (
	"net/http"
	"strings"
	"testing"
)

// refusals are what a wrong request is answered with.
func refusals(t *testing.T, g *target) {
	w := newWeb(t, g)
	w.put("/file", []byte("x")).want(http.StatusCreated)
	const files = "/v1/spaces/default/files"
	json := []string{"Content-Type", "application/json"}
	for name, c := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		reason             string
	}{
		"no such path":       {http.MethodGet, w.at("/nothing"), "", nil, 404, "NOT_FOUND"},
		"no such id":         {http.MethodGet, files + "/0198f3a0-0000-7000-8000-000000000000", "", nil, 404, "NOT_FOUND"},
		"no such space":      {http.MethodGet, "/v1/spaces/nobody/files", "", nil, 404, "NOT_FOUND"},
		"no route":           {http.MethodGet, "/v2", "", nil, 404, "NOT_FOUND"},
		"wrong method":       {http.MethodPost, w.at("/file"), "", nil, 405, "METHOD_NOT_ALLOWED"},
		"not JSON":           {http.MethodPost, files, "{", json, 400, "INVALID_ARGUMENT"},
		"unknown field":      {http.MethodPost, files, `{"colour":"red"}`, json, 400, "INVALID_ARGUMENT"},
		"unknown parameter":  {http.MethodGet, files + "?colour=red", "", nil, 400, "INVALID_ARGUMENT"},
		"text for JSON":      {http.MethodPost, files, "{}", []string{"Content-Type", "text/plain"}, 415, "UNSUPPORTED_MEDIA"},
		"page token":         {http.MethodGet, files + "?pageToken=made-up", "", nil, 400, "INVALID_ARGUMENT"},
		"filter":             {http.MethodGet, files + "?filter=colour%3D1", "", nil, 400, "INVALID_ARGUMENT"},
		"dots":               {http.MethodGet, w.at("") + "/%2e%2e/x", "", nil, 400, "INVALID_ARGUMENT"},
		"encoded slash":      {http.MethodPut, w.at("") + "/a%2Fb", "x", nil, 400, "INVALID_ARGUMENT"},
		"empty segment":      {http.MethodGet, w.at("") + "//x", "", nil, 400, "INVALID_ARGUMENT"},
		"part of a file":     {http.MethodPut, w.at("/file"), "x", []string{"Content-Range", "bytes 0-0/1"}, 400, "INVALID_ARGUMENT"},
		"encoded contents":   {http.MethodPut, w.at("/file"), "x", []string{"Content-Encoding", "gzip"}, 415, "UNSUPPORTED_MEDIA"},
		"below a file":       {http.MethodPut, w.at("/file/x"), "x", nil, 409, "CONFLICT"},
		"contents of folder": {http.MethodGet, w.at(""), "", nil, 400, "INVALID_ARGUMENT"},
		"digest":             {http.MethodPut, w.at("/file"), "x", []string{"Repr-Digest", "sha-256=:AAAA:"}, 400, "INVALID_ARGUMENT"},
		"long name":          {http.MethodPut, w.at("/" + strings.Repeat("n", 256)), "x", nil, 400, "INVALID_ARGUMENT"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &web{t: t, g: g, root: w.root}
			a := w.do(c.method, c.path, strings.NewReader(c.body), c.header...).failed(c.status, c.reason)
			if a.header.Get("X-Request-Id") == "" {
				t.Error("no request id")
			}
			if c.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
				t.Error("no Allow")
			}
		})
	}
	w.get("/file").want(http.StatusOK).bytes([]byte("x"))
}

// pages tell about the service itself.
func pages(t *testing.T, g *target) {
	w := newWeb(t, g)
	for _, path := range []string{"/healthz", "/readyz"} {
		w.do(http.MethodGet, path, nil).want(http.StatusOK)
	}
	var api struct{ Paths map[string]any }
	w.do(http.MethodGet, "/openapi.json", nil).want(http.StatusOK).json(&api)
	if len(api.Paths) < 8 {
		t.Errorf("it describes %d paths", len(api.Paths))
	}
	if page := w.do(http.MethodGet, "/docs", nil).want(http.StatusOK); !strings.Contains(page.header.Get("Content-Type"), "text/html") {
		t.Errorf("the docs are %s", page.header.Get("Content-Type"))
	}
}
