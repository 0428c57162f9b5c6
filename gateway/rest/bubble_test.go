package rest_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/holdfast-files/holdfast/gateway/internal/pipenet"
	"github.com/holdfast-files/holdfast/gateway/rest"
)

// inBubble runs a test in a bubble, over HTTP/1.1 and over HTTP/2: its time passes
// when everybody waits, connections are pipes, which hold no byte that has not been
// read, and the client takes little more than what the test reads.
func inBubble(t *testing.T, cfg rest.Config, test func(t *testing.T, r *rig)) {
	for _, proto := range []string{"HTTP 1", "HTTP 2"} {
		t.Run(proto, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lis := pipenet.Listen()
				w := newWorld()
				r := serveOn(t, lis, &http.Transport{
					DialContext: lis.Dial, HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10},
				}, w, inProcess(w, cfg))
				if proto == "HTTP 2" {
					r.overHTTP2()
				}
				test(t, r)
			})
		})
	}
}
