//go:build clients

package clients_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serve serves on loopback and returns the origin of its pages, under the name
// with which browsers take them for secure.
func serve(t *testing.T, handler http.Handler) (origin string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}
