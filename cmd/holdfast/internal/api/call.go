package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxAnswerBytes bounds a JSON answer. A page of 1000 nodes, each with all the
// labels that it may have, has less than 6 MB.
const maxAnswerBytes = 32 << 20

// read sends a GET until it succeeds, and decodes the answer into out.
func (c *Client) read(ctx context.Context, url string, out any) error {
	return c.retry.do(ctx, func() error {
		return c.once(ctx, http.MethodGet, url, "", nil, nil, out)
	})
}

// write sends a mutating call until it succeeds. All attempts carry the same
// Idempotency-Key, so that it takes effect once.
func (c *Client) write(ctx context.Context, method, url, etag string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encoding a request: %w", err)
		}
	}
	header := http.Header{"Idempotency-Key": {rand.Text()}}
	if etag != "" {
		header.Set("If-Match", quote(etag))
	}
	return c.retry.do(ctx, func() error {
		return c.once(ctx, method, url, "application/json", header, body, out)
	})
}

// once sends one request and decodes its answer.
func (c *Client) once(ctx context.Context, method, url, contentType string, header http.Header, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	req, err := c.request(ctx, method, url)
	if err != nil {
		return err
	}
	for key, values := range header {
		req.Header[key] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	resp, err := c.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return c.decode(ctx, resp, out)
}

// decode reads a JSON answer to its end, so that the connection is reused.
func (c *Client) decode(ctx context.Context, resp *http.Response, out any) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return c.cut(ctx, err)
	case len(text) > maxAnswerBytes:
		return fmt.Errorf("the answer to %s %s is too large", resp.Request.Method, resp.Request.URL.Path)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the answer to %s %s is not what a Holdfast server sends: %w",
			resp.Request.Method, resp.Request.URL.Path, err)
	}
	return nil
}

// quote returns an etag as a header carries it. On JSON resources the etag
// field has no quotes.
func quote(etag string) string {
	if len(etag) >= 2 && etag[0] == '"' {
		return etag
	}
	return `"` + etag + `"`
}
