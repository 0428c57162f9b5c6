package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Source names contents, all of them or a part.
type Source struct {
	// Name is the resource name of the file; Path its path, when Name is empty.
	Name string
	Path Path
	// Revision is the id of a revision, the current one when empty.
	Revision string
	// OffsetBytes and LengthBytes are the part; a length of 0 is up to the end.
	OffsetBytes, LengthBytes int64
}

func (s Source) whole() bool { return s.OffsetBytes == 0 && s.LengthBytes == 0 }

// rangeHeader returns the Range that asks for the source.
func (s Source) rangeHeader() string {
	switch {
	case s.whole():
		return ""
	case s.LengthBytes == 0:
		return fmt.Sprintf("bytes=%d-", s.OffsetBytes)
	}
	return fmt.Sprintf("bytes=%d-%d", s.OffsetBytes, s.OffsetBytes+s.LengthBytes-1)
}

// source returns the URL of contents.
func (c *Client) source(s Source) string {
	location := c.resource(s.Name) + "/content"
	if s.Name == "" {
		location = c.contents(s.Path)
	}
	if s.Revision != "" {
		location += "?" + url.Values{"revision": {s.Revision}}.Encode()
	}
	return location
}

// connection is one answer whose body is a download, or what is left of it.
type connection struct {
	client *Client
	ctx    context.Context
	dog    *watchdog
	resp   *http.Response
}

// connect asks for a range of a source, or for all of it when byteRange is
// empty; when ifRange is given and not its ETag, the answer is all of it.
func (c *Client) connect(ctx context.Context, source Source, byteRange, ifRange string) (*connection, error) {
	ctx, dog := watch(ctx, c.patience)
	conn := &connection{client: c, ctx: ctx, dog: dog}
	req, err := c.request(ctx, http.MethodGet, c.source(source))
	if err != nil {
		dog.stop()
		return nil, err
	}
	if byteRange != "" {
		req.Header.Set("Range", byteRange)
	}
	if ifRange != "" {
		req.Header.Set("If-Range", ifRange)
	}
	conn.resp, err = c.send(req) //nolint:bodyclose // by close
	if err != nil {
		dog.stop()
		return nil, err
	}
	dog.rest()
	return conn, nil
}

// Read reads the body. It never ends with io.EOF: who knows how much there is
// doesn't read on, so an end is a cut.
func (c *connection) Read(p []byte) (int, error) {
	c.dog.grant(c.client.patience)
	n, err := c.resp.Body.Read(p)
	c.dog.rest()
	if n > 0 || err == nil {
		return n, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return 0, c.client.cut(c.ctx, err)
}

// close ends the download. A body that was read to its end leaves the
// connection for reuse.
func (c *connection) close() {
	c.resp.Body.Close()
	c.dog.stop()
}

// part returns which bytes an answer to a range holds.
func (c *connection) part() (first, last int64, err error) {
	if c.resp.StatusCode != http.StatusPartialContent {
		return 0, 0, fmt.Errorf("the server sends all instead of a part")
	}
	header := c.resp.Header.Get("Content-Range")
	if _, err := fmt.Sscanf(header, "bytes %d-%d/", &first, &last); err != nil {
		return 0, 0, fmt.Errorf("the server sends an unreadable Content-Range %q", header)
	}
	return first, last, nil
}

// etag returns the ETag of the contents.
func (c *connection) etag() string { return c.resp.Header.Get("ETag") }
