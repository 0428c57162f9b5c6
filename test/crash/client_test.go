package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// errUnknown tells that nobody knows whether a request took effect: no answer
// came, or one that says so.
var errUnknown = errors.New("outcome unknown")

// errRefused tells that the service refused a request.
type errRefused struct {
	status int
	body   string
}

func (e errRefused) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

// resource is the part of a node that the harness looks at.
type resource struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Folder      string `json:"folder"`
	Kind        string `json:"kind"`
	SHA256      string `json:"sha256"`
	Revision    string `json:"revision"`
	DeleteTime  string `json:"deleteTime"`
}

// client speaks REST.
type client struct {
	base    string
	outages *outages
	http    *http.Client
}

func newClient(base string, o *outages) *client {
	return &client{base: base + "/v1/", outages: o, http: &http.Client{
		Timeout:   time.Minute, // the disk may be busy with other work for long
		Transport: &http.Transport{MaxIdleConnsPerHost: 16},
	}}
}

// do makes a request; key, when not empty, makes it one that can be repeated.
func (c *client) do(ctx context.Context, method, path, key string, body []byte) ([]byte, error) {
	return c.send(ctx, method, path, key, bytes.NewReader(body), len(body))
}

func (c *client) send(ctx context.Context, method, path, key string, body io.Reader, size int) ([]byte, error) {
	fields := map[string]string{}
	if key != "" {
		fields["Idempotency-Key"] = key
	}
	if strings.HasPrefix(path, "spaces/default/files") && size > 0 {
		fields["Content-Type"] = "application/json"
	}
	_, got, err := c.exchange(ctx, method, path, fields, body, size)
	return got, err
}

// exchange makes a request with header fields, and returns those of the answer
// and its body.
func (c *client) exchange(
	ctx context.Context, method, path string, fields map[string]string, body io.Reader, size int,
) (http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, nil, err
	}
	req.ContentLength = int64(size)
	for field, value := range fields {
		req.Header.Set(field, value)
	}
	asked := c.outages.now()
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnknown, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", errUnknown, err)
	case resp.StatusCode >= 500 && !c.outages.excuse(asked, method, resp.StatusCode):
		return nil, nil, fmt.Errorf("status %d while all programs were there: %s", resp.StatusCode, got)
	case resp.StatusCode >= 500:
		return nil, nil, fmt.Errorf("%w: status %d: %s", errUnknown, resp.StatusCode, got)
	case resp.StatusCode >= 300:
		return nil, nil, errRefused{resp.StatusCode, string(got)}
	}
	return resp.Header, got, nil
}

// call makes a request about a node and returns the node of the answer.
func (c *client) call(ctx context.Context, method, path, key string, body any) (resource, error) {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return resource{}, err
		}
	}
	got, err := c.do(ctx, method, path, key, sent)
	if err != nil {
		return resource{}, err
	}
	var r resource
	if len(got) == 0 {
		return r, nil
	}
	return r, json.Unmarshal(got, &r)
}

// put stores contents under a path, and tells how far it has come.
func (c *client) put(ctx context.Context, path, key string, content []byte, at *step) (resource, error) {
	at.stage.Store(ptr("body on its way"))
	body := &told{Reader: bytes.NewReader(content), sent: func() { at.stage.Store(ptr("body sent")) }}
	got, err := c.send(ctx, http.MethodPut, "spaces/default/paths"+escape(path), key, body, len(content))
	if err != nil {
		return resource{}, err
	}
	var r resource
	return r, json.Unmarshal(got, &r)
}

// told is a body that tells when the last of it was taken.
type told struct {
	*bytes.Reader
	sent func()
}

func (t *told) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	if t.Len() == 0 {
		t.sent()
	}
	return n, err
}

// WriteTo keeps io.Copy from going around Read.
func (t *told) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{t})
}

func (c *client) get(ctx context.Context, path string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, "spaces/default/paths"+escape(path), "", nil)
}

// list returns what is in a folder, or in the trash, as the query says.
func (c *client) list(ctx context.Context, query url.Values) ([]resource, error) {
	var all []resource
	token := ""
	for {
		query.Set("pageSize", "1000")
		query.Set("pageToken", token)
		got, err := c.do(ctx, http.MethodGet, "spaces/default/files?"+query.Encode(), "", nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Files         []resource
			NextPageToken string
		}
		if err := json.Unmarshal(got, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Files...)
		if token = page.NextPageToken; token == "" {
			return all, nil
		}
	}
}

func escape(path string) string { return (&url.URL{Path: path}).EscapedPath() }
