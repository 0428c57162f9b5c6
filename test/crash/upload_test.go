package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// resumable is an upload in several requests, by the protocol of the IETF: it is
// opened, gets one half and then the other, and is complete. It outlives lost
// answers: sent again, it asks how far it is and goes on from there, or is given
// up for a new one.
type resumable struct {
	w            *worker
	parent, name string
	content      []byte

	opened  int    // how many were
	upload  string // its resource name, empty before it is opened
	acked   int    // bytes that were acknowledged
	started bool   // whether it was sent before
	ended   bool   // whether its last half was sent: it may be complete
}

func (w *worker) uploadNew() change {
	w.names++
	return w.upload("upload", w.folder(""), fmt.Sprintf("u%d", w.names))
}

func (w *worker) uploadOver(e entry) change { return w.upload("upload over", e.parent, e.name) }

func (w *worker) upload(kind, parent, name string) change {
	u := &resumable{w: w, parent: parent, name: name, content: w.content()}
	c := w.store(kind, parent, name, u.content)
	c.send = u.send
	return c
}

func (u *resumable) send(ctx context.Context, key string, at *step) (resource, error) {
	offset, done, err := u.position(ctx, key, at)
	if err != nil {
		return resource{}, err
	}
	if done {
		return u.result(ctx)
	}
	if half := len(u.content) / 2; offset < half {
		at.stage.Store(ptr("first half"))
		if _, err := u.append(ctx, offset, half, "?0"); err != nil {
			return resource{}, err
		}
		offset, u.acked = half, half
	}
	at.stage.Store(ptr("last half"))
	u.ended = true
	got, err := u.append(ctx, offset, len(u.content), "?1")
	if err != nil {
		return resource{}, err
	}
	var r resource
	return r, json.Unmarshal(got, &r)
}

// position returns how far the upload is and whether it is complete. It opens
// one when there is none, and now and then in place of one that was cut before
// its last half was sent.
func (u *resumable) position(ctx context.Context, key string, at *step) (offset int, done bool, err error) {
	again := u.started
	u.started = true
	if u.upload != "" {
		at.stage.Store(ptr("asked how far"))
		offset, done, err = u.ask(ctx)
		if err != nil || done || u.ended || u.w.random.IntN(3) > 0 {
			return offset, done, err
		}
		at.stage.Store(ptr("given up"))
		if err := u.cancel(ctx); err != nil {
			return 0, false, err
		}
		u.upload, u.acked = "", 0
		u.opened++
	} else if again && u.w.random.IntN(3) == 0 {
		u.opened++ // whether there is one nobody knows: it is left behind
	}
	at.stage.Store(ptr("opened"))
	return 0, false, u.open(ctx, key)
}

func (u *resumable) open(ctx context.Context, key string) error {
	query := url.Values{"folder": {u.parent}, "displayName": {u.name}}
	header, _, err := u.w.c.exchange(ctx, http.MethodPost, "spaces/default/uploads?"+query.Encode(), map[string]string{
		"Upload-Complete": "?0", "Upload-Length": strconv.Itoa(len(u.content)), "Idempotency-Key": fmt.Sprintf("%s-%d", key, u.opened),
	}, http.NoBody, 0)
	if err != nil {
		return err
	}
	_, path, found := strings.Cut(header.Get("Location"), "/v1/")
	if offset := header.Get("Upload-Offset"); !found || offset != "0" {
		return fmt.Errorf("an upload was opened at offset %q: %q", offset, header.Get("Location"))
	}
	u.upload = path
	return nil
}

func (u *resumable) append(ctx context.Context, from, to int, complete string) ([]byte, error) {
	_, got, err := u.w.c.exchange(ctx, http.MethodPatch, u.upload, map[string]string{
		"Content-Type": "application/partial-upload", "Upload-Offset": strconv.Itoa(from), "Upload-Complete": complete,
	}, bytes.NewReader(u.content[from:to]), to-from)
	return got, err
}

// ask returns how far the upload is. What was acknowledged is never lost.
func (u *resumable) ask(ctx context.Context) (offset int, done bool, err error) {
	header, _, err := u.w.c.exchange(ctx, http.MethodHead, u.upload, nil, http.NoBody, 0)
	if err != nil {
		return 0, false, err
	}
	offset, err = strconv.Atoi(header.Get("Upload-Offset"))
	if err != nil {
		return 0, false, err
	}
	if offset < u.acked || offset > len(u.content) {
		return 0, false, fmt.Errorf("%s has %d bytes; %d were acknowledged, of %d", u.upload, offset, u.acked, len(u.content))
	}
	return offset, header.Get("Upload-Complete") == "?1", nil
}

// cancel gives the upload up. One that is gone already was given up by a request
// whose answer was lost.
func (u *resumable) cancel(ctx context.Context) error {
	_, _, err := u.w.c.exchange(ctx, http.MethodDelete, u.upload, nil, http.NoBody, 0)
	if isNotFound(err) {
		return nil
	}
	return err
}

// result returns the file that a complete upload has become.
func (u *resumable) result(ctx context.Context) (resource, error) {
	got, err := u.w.c.do(ctx, http.MethodGet, u.upload, "", nil)
	if err != nil {
		return resource{}, err
	}
	var upload struct{ File string }
	if err := json.Unmarshal(got, &upload); err != nil {
		return resource{}, err
	}
	if upload.File == "" {
		return resource{}, errors.New(u.upload + " is complete and has no file")
	}
	return u.w.c.call(ctx, http.MethodGet, upload.File, "", nil)
}
