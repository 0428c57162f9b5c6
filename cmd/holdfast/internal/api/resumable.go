package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// Memory remembers the URL of an upload between two runs of a program. The zero
// value of its implementations knows none.
type Memory interface {
	// Load returns what was saved, "" when nothing was.
	Load() string
	// Save keeps the URL. An upload whose URL cannot be kept goes on all the
	// same; it is on the implementation to tell.
	Save(location string)
	// Forget drops it.
	Forget()
}

// Resumable is contents on their way to a path in several requests, each of
// which goes on where the last one was cut.
type Resumable struct {
	// Upload must have SizeBytes and SHA256; its Body is not used.
	Upload
	// From returns a new reader of the contents from an offset on. Readers may be
	// in use at the same time; they fail with ErrUnsteady when the contents are no
	// longer what they were.
	From func(offset int64) io.Reader
	// Memory lets another run go on, which must be one with the same contents.
	Memory Memory
}

// UploadResumable is Upload for contents that are large enough to go on after a
// cut rather than to begin anew. Only what was not acknowledged is sent again. The
// server has the SHA-256 of all of them from the beginning and makes nothing
// visible that has another, whatever was sent before and after the cuts:
// DIGEST_MISMATCH then.
//
// An upload that another run completed counts as long as the path leads to what
// came of it; else the contents are sent again.
//
// After an error Memory still has the URL, unless nothing can go on there: then
// the upload is given up on the server, too.
func (c *Client) UploadResumable(ctx context.Context, u Resumable) (*Stored, error) {
	s := &sending{client: c, Resumable: u, location: u.Memory.Load()}
	s.loaded = s.location != ""
	for attempt := 0; ; {
		stored, err := s.attempt(ctx)
		if err == nil {
			err = s.verify(stored)
		}
		if err == nil {
			u.Memory.Forget()
			return stored, nil
		}
		if s.offset-s.mark >= progressBytes {
			attempt, s.mark = 0, s.offset
		}
		if !s.hopeful(err) && !c.retry.pause(ctx, err, attempt) {
			s.leave(ctx, err)
			return stored, err
		}
		attempt++
		if attempt > c.retry.retries+1 {
			s.leave(ctx, err)
			return stored, err
		}
	}
}

// sending is a resumable upload under way.
type sending struct {
	client *Client
	Resumable
	location string // URL of the upload, relative to the server; "" before there is one
	key      string // Idempotency-Key of its creation
	loaded   bool   // whether it is of another run, which may have completed it

	offset int64 // what the server said that it has
	mark   int64 // offset at the last progress, which an upload begun anew has yet to pass
	told   int64 // what Moved was told
}

// attempt does what is left to do.
func (s *sending) attempt(ctx context.Context) (*Stored, error) {
	if s.location == "" {
		if err := s.open(ctx); err != nil {
			return nil, err
		}
	} else if done, err := s.query(ctx); err != nil || done {
		if err != nil {
			return nil, err
		}
		s.offset = s.SizeBytes // its answer was lost: ask for it again
	} else {
		s.loaded = false // whoever completes it does so now
	}
	s.tell(s.offset)
	stored, err := s.add(ctx)
	if err != nil || !s.loaded {
		return stored, err
	}
	if there, err := s.isThere(ctx, stored); err != nil {
		return nil, err
	} else if !there {
		s.restart()
		return s.attempt(ctx)
	}
	return stored, nil
}

// isThere reports whether the path leads to what was stored. The server tells for
// a day what came of an upload, whatever became of the file since.
func (s *sending) isThere(ctx context.Context, stored *Stored) (bool, error) {
	node, err := s.client.Lookup(ctx, s.Path)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil && node.Revision == stored.Node.Revision, err
}

// open opens the upload and remembers it before its first byte.
func (s *sending) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	c := s.client
	if s.key == "" {
		s.key = rand.Text()
	}
	req, err := c.request(ctx, http.MethodPost, c.resource(c.space)+"/uploads?"+url.Values{"path": {string(s.Path)}}.Encode())
	if err != nil {
		return err
	}
	s.describe(req.Header)
	req.Header.Del("Expect")
	req.Header.Set("Idempotency-Key", s.key)
	req.Header.Set("Upload-Complete", "?0")
	req.Header.Set("Upload-Length", strconv.FormatInt(s.SizeBytes, 10))
	resp, err := c.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	location, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || location.Path == "" {
		return errors.New("the server opened an upload without saying where")
	}
	s.location, s.offset = location.EscapedPath(), 0
	s.Memory.Save(s.location)
	return nil
}

// query asks how much the server has, and reports whether that is all.
func (s *sending) query(ctx context.Context) (done bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	req, err := s.client.request(ctx, http.MethodHead, s.client.server+s.location)
	if err != nil {
		return false, err
	}
	resp, err := s.client.send(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	offset, err := strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
	if err != nil {
		return false, errors.New("the server does not say how much of the upload it has")
	}
	if offset < 0 || offset > s.SizeBytes {
		s.Memory.Forget() // and no more: what is not ours is not ours to give up
		return false, errors.New("the server has another upload than the one that was begun")
	}
	s.offset = offset
	return resp.Header.Get("Upload-Complete") == "?1", nil
}

// add sends the rest.
func (s *sending) add(ctx context.Context) (*Stored, error) {
	c := s.client
	watched, dog := watch(ctx, c.patience)
	defer dog.stop()
	req, err := c.request(watched, http.MethodPatch, c.server+s.location)
	if err != nil {
		return nil, err
	}
	rest := s.SizeBytes - s.offset
	req.Header.Set("Content-Type", "application/partial-upload")
	req.Header.Set("Upload-Offset", strconv.FormatInt(s.offset, 10))
	req.Header.Set("Upload-Complete", "?1")
	if rest >= expectBytes {
		req.Header.Set("Expect", "100-continue")
	}
	b := newBody(s.From(s.offset), s.move, dog, c.patience)
	b.hash = nil // the server compares
	req.Body, req.ContentLength = b, rest
	if rest == 0 {
		req.Body = http.NoBody
		dog.grant(answerPatience)
	}
	stored, err := c.exchange(watched, req)
	if _, _, readErr := b.finish(true); readErr != nil { // what was told to Moved is set right by the next query
		return nil, readErr
	}
	return stored, err
}

func (s *sending) move(n int64) {
	s.told += n
	if s.Moved != nil {
		s.Moved(n)
	}
}

// tell makes what Moved was told equal to what the server has.
func (s *sending) tell(offset int64) { s.move(offset - s.told) }

// verify compares what was stored with what was announced.
func (s *sending) verify(stored *Stored) error {
	sum := hex.EncodeToString(s.SHA256)
	if stored.Node.SizeBytes == s.SizeBytes && stored.Node.SHA256 == sum {
		return nil
	}
	return fault.New(errorsv1.Reason_REASON_DIGEST_MISMATCH,
		"sent %d bytes with sha-256 %s, but %d bytes with sha-256 %s were stored",
		s.SizeBytes, sum, stored.Node.SizeBytes, stored.Node.SHA256)
}
