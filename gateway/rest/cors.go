package rest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-files/holdfast/internal/settings"
)

// Pages are the settings about web pages of other sites.
type Pages struct {
	CORSOrigins []string `name:"cors-origins" help:"Origins of web pages that may call from another site, such as https://app.example.com; separated by commas." placeholder:"ORIGIN"`
}

// Check notes what is wrong with the settings.
func (p Pages) Check(check *settings.Check) {
	for _, origin := range p.CORSOrigins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			check.Failf("cors-origins", "%q is no origin, such as https://app.example.com", origin)
		}
	}
}

// origins are those of the web pages that may call from another site. There is
// no "*": who may read a user's files is for the team to say, and in open mode
// it would be every page that the user looks at.
type origins map[string]struct{}

func newOrigins(list []string) origins {
	o := origins{}
	for _, origin := range list {
		o[strings.ToLower(origin)] = struct{}{}
	}
	return o
}

// Fields that pages may read beyond those that they always may, and fields that
// they may send. No credential of the browser's own is among them: cookies do
// not count here, so pages need no permission to send them.
var (
	exposedFields = []string{strings.Join([]string{
		"Location", "Content-Location", "ETag", "Accept-Ranges", "Content-Range", "Content-Disposition", "Repr-Digest", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id", "Allow",
		"Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm",
		"Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Defer-Length", "Upload-Concat", "Upload-Expires",
		"Upload-Complete", "Upload-Limit", "Accept-Patch",
	}, ", ")}
	sendableFields = []string{strings.Join([]string{
		"Authorization", "Content-Type", "Content-Disposition", "Content-Digest", "Repr-Digest", "Idempotency-Key", "Range",
		"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
		"Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Defer-Length", "Upload-Concat", "Upload-Checksum",
		"Upload-Complete", "Upload-Draft-Interop-Version", "X-HTTP-Method-Override", "X-Request-Id", "X-Requested-With",
		"traceparent", "tracestate",
	}, ", ")}
)

// preflightSeconds is how long a browser may remember what it was told; Chromium
// remembers for two hours at most.
const preflightSeconds = "7200"

// welcome reports whether the request comes from a page of an allowed origin,
// and tells its browser so. The answer depends on the Origin as soon as any is
// allowed.
func (o origins) welcome(x *exchange) bool {
	if len(o) == 0 {
		return false
	}
	h := x.w.Header()
	h.Add("Vary", "Origin")
	lines := x.r.Header["Origin"]
	if len(lines) != 1 {
		return false
	}
	if _, ok := o[strings.ToLower(lines[0])]; !ok {
		return false
	}
	h["Access-Control-Allow-Origin"] = lines
	h["Access-Control-Expose-Headers"] = exposedFields
	return true
}

// isPreflight reports whether a browser asks what a page may send, rather than
// a client what there is.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Access-Control-Request-Method"]) > 0
}

// preflight answers the browser of an allowed origin (Fetch standard, "CORS-
// preflight request"). Browsers send it without credentials, so nobody is asked
// for them.
func (x *exchange) preflight(e *endpoint) error {
	h := x.w.Header()
	delete(h, "Access-Control-Expose-Headers")
	h["Access-Control-Allow-Methods"] = []string{e.allow}
	h["Access-Control-Allow-Headers"] = sendableFields
	h["Access-Control-Max-Age"] = []string{preflightSeconds}
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	x.writeHeader(http.StatusNoContent)
	return nil
}
