package api

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/url"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

const (
	// firstWait is the longest first wait before a repetition.
	firstWait = 250 * time.Millisecond
	// maxWait bounds the waits that grow by themselves.
	maxWait = 10 * time.Second
	// maxRetryAfter is the longest wait that a server may ask for; when it asks
	// for more, the caller is told at once.
	maxRetryAfter = time.Minute
)

// retryPolicy decides how often and after which wait a call is repeated.
type retryPolicy struct {
	retries int
	first   time.Duration
}

// do calls op until it succeeds, fails for good, or was repeated often enough.
func (p retryPolicy) do(ctx context.Context, op func() error) error {
	for attempt := 0; ; attempt++ {
		err := op()
		if err == nil || !p.pause(ctx, err, attempt) {
			return err
		}
	}
}

// pause waits before the repetition that follows the given attempt (0 is the
// first) and reports whether there is to be one.
func (p retryPolicy) pause(ctx context.Context, err error, attempt int) bool {
	if attempt >= p.retries || !transient(err) {
		return false
	}
	wait := p.wait(err, attempt)
	if wait > maxRetryAfter {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// wait is a random time up to a bound that doubles with each attempt, on top
// of what the server asked for: clients that failed together do not come back
// together.
func (p retryPolicy) wait(err error, attempt int) time.Duration {
	bound := min(p.first<<min(attempt, 16), maxWait)
	wait := time.Duration(rand.Int64N(int64(bound) + 1)) //nolint:gosec // nobody gains by guessing it
	var f *fault.Error
	if errors.As(err, &f) {
		wait += f.RetryAfter
	}
	return wait
}

// transient reports whether the same call may succeed later.
func transient(err error) bool {
	var final *finalError
	if errors.As(err, &final) || errors.Is(err, context.Canceled) {
		return false
	}
	switch fault.ReasonOf(err) {
	case errorsv1.Reason_REASON_UNAVAILABLE,
		errorsv1.Reason_REASON_RATE_LIMITED,
		errorsv1.Reason_REASON_DEADLINE_EXCEEDED,
		errorsv1.Reason_REASON_UPLOAD_SUPERSEDED:
		return true
	}
	return false
}

// finalError marks the cause of a failure that looks transient and is not.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// unreachable translates an error of the HTTP client. A server that has never
// answered is not waited for when it can't be reached: its address is probably
// wrong, or nothing runs there.
func (c *Client) unreachable(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err // the message has no need of the URL
	}
	var dial *net.OpError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial" && !c.answered.Load(),
		errors.As(err, &certificate),
		errors.As(err, &record):
		err = &finalError{err}
	}
	return fault.Wrap(err, errorsv1.Reason_REASON_UNAVAILABLE, "no answer from %s", c.server)
}
