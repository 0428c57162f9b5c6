package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// ErrChanged is what reading contents ends with when the connection was cut
// and the file has other contents by now.
var ErrChanged = errors.New("the file was changed while it was downloaded")

// progressBytes is how much has to arrive for the count of failed attempts to
// start anew.
const progressBytes = 1 << 20

// Content is a download. A connection that is cut is replaced by one that
// carries on from the byte reached, as long as the contents are the same.
type Content struct {
	// SizeBytes is how many bytes there are to read.
	SizeBytes int64
	// Verifiable says that the server named the SHA-256 of what is read; then
	// reading ends with io.EOF only after it was found equal, and else with
	// DIGEST_MISMATCH.
	Verifiable bool

	ctx    context.Context
	client *Client
	source Source
	conn   *connection // nil between connections

	etag   string
	digest []byte // of all of the contents, nil when unknown or not all is read
	read   int64  // bytes read
	hash   hash.Hash

	attempt int   // failed attempts since there was progress
	mark    int64 // read at the last progress
}

// Open begins a download. Reading fails when ctx is cancelled. The caller
// closes it.
func (c *Client) Open(ctx context.Context, source Source) (*Content, error) {
	d := &Content{ctx: ctx, client: c, source: source, hash: sha256.New()}
	err := c.retry.do(ctx, func() (err error) {
		d.conn, err = c.connect(ctx, source, source.rangeHeader(), "")
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := d.describe(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// describe takes from the first answer what is going to be read.
func (d *Content) describe() error {
	d.SizeBytes, d.etag = d.conn.resp.ContentLength, d.conn.etag()
	if d.SizeBytes < 0 {
		return errors.New("the server does not say how long the contents are")
	}
	if d.source.whole() {
		d.digest = parseDigest(d.conn.resp.Header.Get("Repr-Digest"))
		d.Verifiable = d.digest != nil
		return nil
	}
	first, last, err := d.conn.part()
	if err == nil && (first != d.source.OffsetBytes || last-first+1 != d.SizeBytes) {
		err = fmt.Errorf("the server sends bytes %d to %d, which were not asked for", first, last)
	}
	return err
}

// Read reads on, over a new connection when the last one was cut.
func (d *Content) Read(p []byte) (int, error) {
	for d.read < d.SizeBytes {
		n, err := d.receive(p[:min(int64(len(p)), d.SizeBytes-d.read)])
		if n > 0 || len(p) == 0 {
			return n, nil
		}
		if err != nil && !d.again(err) {
			return 0, err
		}
	}
	return 0, d.verify()
}

// receive reads from the connection, or makes one.
func (d *Content) receive(p []byte) (int, error) {
	if d.conn == nil {
		return 0, d.resume()
	}
	n, err := d.conn.Read(p)
	d.hash.Write(p[:n])
	d.read += int64(n)
	return n, err
}

// again gives up the connection after a failure, and reports whether there is
// to be another one, now.
func (d *Content) again(err error) bool {
	d.Close()
	if d.read-d.mark >= progressBytes {
		d.attempt, d.mark = 0, d.read
	}
	d.attempt++
	return d.client.retry.pause(d.ctx, err, d.attempt-1)
}

// resume makes a connection that carries on from the byte reached.
func (d *Content) resume() error {
	first, last := d.source.OffsetBytes+d.read, d.source.OffsetBytes+d.SizeBytes-1
	conn, err := d.client.connect(d.ctx, d.source, fmt.Sprintf("bytes=%d-%d", first, last), d.etag)
	if errors.Is(err, fault.NotFound) {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	gotFirst, gotLast, err := conn.part()
	if err != nil || gotFirst != first || gotLast != last || conn.etag() != d.etag {
		conn.close()
		return ErrChanged
	}
	d.conn = conn
	return nil
}

// verify compares what was read with what the server says it is.
func (d *Content) verify() error {
	if d.digest == nil {
		return io.EOF
	}
	if sum := d.Sum(); !bytes.Equal(sum, d.digest) {
		return fault.New(errorsv1.Reason_REASON_DIGEST_MISMATCH,
			"received contents with sha-256 %x instead of %x", sum, d.digest)
	}
	return io.EOF
}

// Sum returns the SHA-256 of what was read so far.
func (d *Content) Sum() []byte { return d.hash.Sum(nil) }

// Close ends the download.
func (d *Content) Close() {
	if d.conn != nil {
		d.conn.close()
		d.conn = nil
	}
}
