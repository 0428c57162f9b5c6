// Package rest is the REST face of Holdfast: JSON resources through
// grpc-gateway, bytes by its own handlers. It translates between HTTP and the
// services and decides nothing that they could decide.
package rest

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/holdfast-files/holdfast/gateway/content"
	"github.com/holdfast-files/holdfast/internal/telemetry"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"google.golang.org/grpc"
)

// Config is what a Handler needs. The zero value of each field from Limits on
// is of use.
type Config struct {
	// Metadata reaches holdfast.metadata.v1.
	Metadata grpc.ClientConnInterface
	// Content moves the bytes.
	Content content.Content
	// Uploads takes contents in several requests.
	Uploads content.Resumable
	// Logger gets a line for every answer that was not a success, and for
	// every one at level debug.
	Logger *slog.Logger
	// Ready tells why /readyz has to say no; nil means that it never does.
	Ready func() error
	// Open is the mode in which nobody needs to prove who he is. Credentials
	// are dropped then, and only requests that a web page of another site
	// cannot have made are answered. The listener must be a loopback one.
	Open bool
	// Edge observes the requests; nil for nobody.
	Edge *telemetry.Edge
	// Origins are those of the web pages that may call from another site, such
	// as https://app.example.com; none when empty.
	Origins []string
	// Limits bound what one exchange may use.
	Limits Limits
	// Bounds bound what one client may ask for; the zero value bounds nothing.
	Bounds Bounds
}

// Limits bound what one exchange may use. Each zero means its default.
type Limits struct {
	// JSONBytes bounds the body of a JSON call; 128 KiB.
	JSONBytes int64
	// JSONMemory bounds what the bodies of all JSON calls take together, beyond
	// the first 4 KiB of each; 16 MiB. A client that is bounded gets an eighth.
	JSONMemory int64
	// Requests bounds the requests under way at a time, of all connections: over
	// HTTP/2 there may be many on each; 4096.
	Requests int64
	// StreamBodies bounds the bodies that come over HTTP/2 at a time, since of
	// each the transport takes up to transport.StreamBytes before anybody reads
	// them; 256. A client that is bounded gets an eighth.
	StreamBodies int64
	// Call is the deadline of a call that moves no bytes, and before it of what
	// is read to make it: the whole body; 30 s each.
	Call time.Duration
	// Stall is how long a body may take for its next 4 KiB, in either
	// direction, before the exchange is given up; 60 s.
	Stall time.Duration
	// DrainBytes and Drain bound what is still read of a body that was
	// refused, so that its sender gets to read why; 1 MiB and 2 s.
	DrainBytes int64
	Drain      time.Duration
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.JSONBytes, 128<<10)
	setDefault(&l.JSONMemory, 16<<20)
	setDefault(&l.Requests, 4096)
	setDefault(&l.StreamBodies, 256)
	setDefault(&l.Call, 30*time.Second)
	setDefault(&l.Stall, time.Minute)
	setDefault(&l.DrainBytes, 1<<20)
	setDefault(&l.Drain, 2*time.Second)
	return l
}

func setDefault[T int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Handler answers the REST contract. It is safe for concurrent use.
type Handler struct {
	files   metadatav1.FileServiceClient
	shares  metadatav1.ShareServiceClient
	usher   *usher
	content content.Content
	uploads content.Resumable
	logger  *slog.Logger
	ready   func() error
	open    bool
	edge    *telemetry.Edge
	origins origins
	limits  Limits

	routes routes
	json   *runtime.ServeMux
}

var _ http.Handler = (*Handler)(nil)

// New returns a Handler on top of cfg.
func New(cfg Config) (*Handler, error) {
	h := &Handler{
		files:   metadatav1.NewFileServiceClient(cfg.Metadata),
		shares:  metadatav1.NewShareServiceClient(cfg.Metadata),
		usher:   newUsher(cfg.Bounds, cfg.Limits.withDefaults()),
		content: cfg.Content,
		uploads: cfg.Uploads,
		logger:  cfg.Logger,
		ready:   cfg.Ready,
		open:    cfg.Open,
		edge:    cfg.Edge,
		origins: newOrigins(cfg.Origins),
		limits:  cfg.Limits.withDefaults(),
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	if h.ready == nil {
		h.ready = func() error { return nil }
	}
	if err := h.addJSON(cfg.Metadata); err != nil {
		return nil, err
	}
	h.addBytes()
	h.addUploads()
	h.addLinks()
	return h, h.addPages()
}

// addBytes adds the routes that move bytes.
func (h *Handler) addBytes() {
	h.routes.add(http.MethodGet, contentPattern, h.getContent)
	h.routes.add(http.MethodPut, contentPattern, h.putContent)
	h.routes.add(http.MethodGet, pathsPattern, h.getPath)
	h.routes.add(http.MethodPut, pathsPattern, h.putPath)
	h.routes.add(http.MethodDelete, pathsPattern, h.deletePath)
	h.routes.extend(http.MethodPost, filesPattern, h.formOr)
}

// Routes of several methods.
const (
	filesPattern   = "/v1/spaces/*/files"
	contentPattern = filesPattern + "/*/content"
	pathsPattern   = "/v1/spaces/*/paths/**"
)

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := newExchange(h, w, r)
	defer x.leave()
	defer x.recover()
	if err := h.answer(x); err != nil {
		x.fail(err)
	}
	x.finish()
}

func (h *Handler) answer(x *exchange) error {
	allowed := h.origins.welcome(x) // first, so that pages can read every refusal
	preflight := allowed && isPreflight(x.r)
	// Of a preflight that fails a page learns nothing at all, so it is counted
	// but not refused: the request that follows gets to hear what is the matter.
	if err := x.identify(); err != nil && !preflight {
		return err
	}
	if h.open {
		if err := checkOpen(x.r, allowed); err != nil {
			return err
		}
	}
	endpoint, params, err := h.routes.find(x.r.URL.EscapedPath())
	if err != nil {
		return err
	}
	x.route, x.params = endpoint.pattern, params
	if preflight {
		return x.preflight(endpoint)
	}
	if endpoint.override {
		x.overrideMethod()
	}
	serve := endpoint.handler(x.method)
	if serve == nil {
		x.w.Header().Set("Allow", endpoint.allow)
		return notAllowed(x.method, endpoint.allow)
	}
	return serve(x)
}
