package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// Config says which server and space a Client talks to, and how.
type Config struct {
	// Server is the base URL, such as https://files.example.com.
	Server string
	// Space is the id of the space.
	Space string
	// Token is sent as the bearer token; none when empty.
	Token string
	// Connections is how many calls run at the same time at most; that many
	// connections are kept for reuse.
	Connections int
	// Retries is how often a call is repeated that failed in a way that may
	// pass; 0 for never.
	Retries int
	// FirstWait bounds the wait before the first repetition, 250 ms when 0.
	FirstWait time.Duration
	// Patience is how long a transfer may stand still, one minute when 0.
	Patience time.Duration
}

const (
	// callLimit bounds one attempt of a call without contents.
	callLimit = time.Minute
	// answerPatience is how long the server may take to make an upload durable
	// after its last byte.
	answerPatience = 5 * time.Minute
	// bufferBytes is large enough that a request with small contents is one
	// write to the socket.
	bufferBytes = 64 << 10
)

var spaceID = regexp.MustCompile(`^[a-z][a-z0-9-]{2,62}$`)

// Client talks to one space of one server. It is safe for concurrent use.
type Client struct {
	server   string // the base URL without a trailing slash
	space    string // resource name
	token    string
	http     *http.Client
	retry    retryPolicy
	patience time.Duration
	answered atomic.Bool // whether any call has had an answer
}

// New returns a client, or an INVALID_ARGUMENT error for a bad configuration,
// which names the field in lower case.
// It does not talk to the server yet.
func New(config Config) (*Client, error) {
	base, err := url.Parse(config.Server)
	switch {
	case err != nil:
		return nil, fault.Invalidf("server", "%v", err)
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "", base.RawQuery != "", base.Fragment != "":
		return nil, fault.Invalidf("server", "%q is not a URL like http://127.0.0.1:8080", config.Server)
	case !spaceID.MatchString(config.Space):
		return nil, fault.Invalidf("space", "%q is not a space id: a lower-case letter, then 2 to 62 of a-z, 0-9 and -", config.Space)
	case strings.ContainsFunc(config.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, fault.Invalidf("token", "contains a character that a header can't carry")
	}
	if config.Retries < 0 {
		return nil, fault.Invalidf("retries", "must not be below 0")
	}
	c := &Client{
		server:   strings.TrimSuffix(base.String(), "/"),
		space:    "spaces/" + config.Space,
		token:    config.Token,
		retry:    retryPolicy{retries: config.Retries, first: config.FirstWait},
		patience: config.Patience,
	}
	if c.retry.first == 0 {
		c.retry.first = firstWait
	}
	if c.patience == 0 {
		c.patience = time.Minute
	}
	c.http = &http.Client{
		Transport:     transport(max(1, config.Connections)),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// transport speaks HTTP/1.1 only: one connection for each transfer is faster
// than streams that share one, and a cut reaches one transfer alone.
func transport(connections int) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       time.Minute,
		MaxIdleConns:          connections,
		MaxIdleConnsPerHost:   connections,
		ReadBufferSize:        bufferBytes,
		WriteBufferSize:       bufferBytes,
		DisableCompression:    true,
		Protocols:             protocols,
	}
}

// Home names the server and the space.
func (c *Client) Home() string { return c.server + "/v1/" + c.space }

// Close closes the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// request returns a request with what every request carries.
func (c *Client) request(ctx context.Context, method, url string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, fmt.Errorf("building a request: %w", err)
	}
	req.Header.Set("User-Agent", "holdfast")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// send sends a request once. An answer that is an error comes back as one,
// with its body closed.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.cut(req.Context(), err)
	}
	c.answered.Store(true)
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, failure(resp)
	}
	return resp, nil
}

// cut returns the error for a connection that failed: the context's when the
// caller gave up.
func (c *Client) cut(ctx context.Context, err error) error {
	var stalled errStalled
	switch {
	case errors.As(context.Cause(ctx), &stalled):
		return c.unreachable(stalled)
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	}
	return c.unreachable(err)
}

// resource returns the URL of a resource name, or of a collection.
func (c *Client) resource(name string) string { return c.server + "/v1/" + name }

// contents returns the URL of the contents at a path.
func (c *Client) contents(path Path) string {
	return c.resource(c.space) + "/paths" + path.escape()
}
