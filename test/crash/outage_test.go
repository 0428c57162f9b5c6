package crash_test

import (
	"net/http"
	"sync/atomic"
)

// outages tells which 5xx the kills explain.
type outages struct {
	// edges counts beginnings and ends: odd while a program is down or coming
	// back.
	edges atomic.Int64
	// impatient tells that commits are given up after so short a time that a busy
	// machine is enough for an outcome that is unknown.
	impatient bool
}

func (o *outages) begin()     { o.edges.Add(1) }
func (o *outages) end()       { o.edges.Add(1) }
func (o *outages) now() int64 { return o.edges.Load() }

// excuse reports whether a request that was made at asked, and got a 5xx just
// now, had to do with an outage.
func (o *outages) excuse(asked int64, method string, status int) bool {
	if o.impatient && method != http.MethodGet && (status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout) {
		return true
	}
	return asked%2 == 1 || o.now() != asked
}
