package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// expectBytes is the size from which on the server is asked whether it wants
// the contents before they are sent; below, the question costs more than the
// bytes.
const expectBytes = 1 << 20

// Upload is contents on their way to a path.
type Upload struct {
	// Path is where they go; missing folders are created.
	Path Path
	// Body returns a new reader of all of the contents, for each attempt. The
	// readers may be in use at the same time.
	Body func() io.Reader
	// Once says that Body can be called once only: then nothing is repeated.
	Once bool
	// SizeBytes is the length of the contents, -1 when it is not known.
	SizeBytes int64
	// SHA256 is sent along when it is known beforehand, so that the server
	// refuses contents that were damaged on their way.
	SHA256 []byte
	// ContentType is the media type; the server chooses one when it is empty.
	ContentType string
	// IfAbsent makes the upload fail with PRECONDITION_FAILED when the path
	// leads to something already.
	IfAbsent bool
	// Moved, when not nil, is told how many bytes were read for sending; fewer
	// than 0 when an attempt failed and they count no more.
	Moved func(bytes int64)

	// ifMatch is the id of the only revision to replace.
	ifMatch string
}

// Stored is the outcome of an Upload.
type Stored struct {
	Node    *Node
	Created bool // a new file, rather than a new revision
}

// Upload sends contents and returns when they are durable and their SHA-256 is
// verified. An error of the body's reader comes back as it is, and nothing is
// visible then. DIGEST_MISMATCH when what the server stored differs; by then
// it has been tried to replace that revision once.
func (c *Client) Upload(ctx context.Context, u Upload) (*Stored, error) {
	stored, err := c.uploadUntilAnswered(ctx, u)
	if !damaged(err) || u.Once {
		return stored, err
	}
	if stored != nil {
		// Replace what came out wrong, and nothing that was written since.
		u.IfAbsent, u.ifMatch = false, lastSegment(stored.Node.Revision)
	}
	again, err := c.uploadUntilAnswered(ctx, u)
	if err == nil && stored != nil {
		again.Created = stored.Created
	}
	return again, err
}

func damaged(err error) bool {
	return err != nil && fault.ReasonOf(err) == errorsv1.Reason_REASON_DIGEST_MISMATCH
}

// uploadUntilAnswered repeats an upload under one Idempotency-Key until the
// server has decided on it. Next to DIGEST_MISMATCH it returns what was stored.
func (c *Client) uploadUntilAnswered(ctx context.Context, u Upload) (*Stored, error) {
	key := rand.Text()
	policy := c.retry
	if u.Once {
		policy.retries = 0
	}
	var stored *Stored
	err := policy.do(ctx, func() (err error) {
		stored, err = c.uploadOnce(ctx, u, key)
		return err
	})
	return stored, err
}

func (c *Client) uploadOnce(ctx context.Context, u Upload, key string) (*Stored, error) {
	watched, dog := watch(ctx, c.patience)
	defer dog.stop()
	req, err := c.request(watched, http.MethodPut, c.contents(u.Path))
	if err != nil {
		return nil, err
	}
	u.describe(req.Header)
	req.Header.Set("Idempotency-Key", key)

	body := newBody(u.Body(), u.Moved, dog, c.patience)
	if u.SHA256 != nil {
		body.hash = nil
	}
	req.Body, req.ContentLength = body, u.SizeBytes
	if u.SizeBytes == 0 {
		req.Body = http.NoBody
		dog.grant(answerPatience)
	}
	stored, err := c.exchange(watched, req)
	sent, sum, readErr := body.finish(err == nil)
	if u.SHA256 != nil {
		sum = u.SHA256
	}
	switch {
	case readErr != nil:
		return nil, readErr
	case err != nil:
		return nil, err
	case stored.Node.SizeBytes != sent || stored.Node.SHA256 != hex.EncodeToString(sum):
		return stored, fault.New(errorsv1.Reason_REASON_DIGEST_MISMATCH,
			"sent %d bytes with sha-256 %x, but %d bytes with sha-256 %s were stored",
			sent, sum, stored.Node.SizeBytes, stored.Node.SHA256)
	}
	return stored, nil
}

// exchange sends the request and decodes the node that it is answered with.
func (c *Client) exchange(ctx context.Context, req *http.Request) (*Stored, error) {
	resp, err := c.send(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	stored := &Stored{Node: new(Node), Created: resp.StatusCode == http.StatusCreated}
	if err := c.decode(ctx, resp, stored.Node); err != nil {
		return nil, err
	}
	return stored, nil
}

// describe sets the headers that say what is uploaded and when it counts.
func (u *Upload) describe(header http.Header) {
	if u.SHA256 != nil {
		header.Set("Repr-Digest", digestHeader(u.SHA256))
	}
	if u.ContentType != "" {
		header.Set("Content-Type", u.ContentType)
	}
	if u.IfAbsent {
		header.Set("If-None-Match", "*")
	}
	if u.ifMatch != "" {
		header.Set("If-Match", quote(u.ifMatch))
	}
	if u.SizeBytes >= expectBytes {
		header.Set("Expect", "100-continue")
	}
}
