package standin

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Fault is what goes wrong with a request.
type Fault int

// Faults. None of them shows whether the request took effect.
const (
	// Fine: nothing goes wrong.
	Fine Fault = iota
	// Refused: no connection; the server sees nothing.
	Refused
	// Throttled: the server says that it is too busy, and does nothing.
	Throttled
	// Failed: the server says that it failed, and does nothing.
	Failed
	// Lost: the server does it, and the connection ends without an answer.
	Lost
	// FailedLate: the server does it, and says that it failed.
	FailedLate
	// Cut: the server does it, and the connection ends within the answer.
	Cut
	faults
)

// Wire carries requests, and lets them go wrong.
type Wire struct {
	// Fault is asked what goes wrong with each request.
	Fault func(*http.Request) Fault
	// Damage, when not nil, changes the body of each answer on its way.
	Damage func(*http.Request, io.ReadCloser) io.ReadCloser

	transport http.Transport
}

var errWire = errors.New("standin: the connection was cut")

// RoundTrip implements http.RoundTripper.
func (w *Wire) RoundTrip(r *http.Request) (*http.Response, error) {
	fault := Fine
	if w.Fault != nil {
		fault = w.Fault(r)
	}
	switch fault {
	case Refused, Throttled, Failed:
		if r.Body != nil {
			_ = r.Body.Close() // nobody reads it
		}
	}
	switch fault {
	case Refused:
		return nil, errWire
	case Throttled:
		return refusal(r, http.StatusBadRequest, "ThrottlingException"), nil
	case Failed:
		return refusal(r, http.StatusInternalServerError, "InternalServerError"), nil
	}
	resp, err := w.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch fault {
	case Lost, FailedLate:
		_, err := io.Copy(io.Discard, resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil || fault == Lost {
			return nil, errors.Join(errWire, err)
		}
		return refusal(r, http.StatusInternalServerError, "InternalServerError"), nil
	case Cut:
		resp.Body = &cut{ReadCloser: resp.Body, left: resp.ContentLength / 2}
	}
	if w.Damage != nil {
		resp.Body = w.Damage(r, resp.Body)
	}
	return resp, nil
}

// refusal is an answer in the form of S3 or DynamoDB.
func refusal(r *http.Request, status int, code string) *http.Response {
	body := `{"__type":"` + code + `","message":"on purpose"}`
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10))
	if r.Header.Get("X-Amz-Target") == "" {
		if status == http.StatusBadRequest {
			status, code = http.StatusServiceUnavailable, "SlowDown"
		}
		body = "<Error><Code>" + code + "</Code><Message>on purpose</Message></Error>"
		header.Set("Content-Type", "application/xml")
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

// cut ends an answer early.
type cut struct {
	io.ReadCloser
	left int64
}

func (c *cut) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// Sometimes returns a Fault function that lets one of so many requests go
// wrong, in every way in turn, from a seed.
func Sometimes(seed uint64, one int) func(*http.Request) Fault {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // nothing to guess
	return func(*http.Request) Fault {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(one) > 0 {
			return Fine
		}
		return Refused + Fault(random.IntN(int(faults-Refused)))
	}
}

// Flip returns a Damage function that turns one bit of each answer that is
// that long, and of no other, as often as times says.
func Flip(least, times int) func(*http.Request, io.ReadCloser) io.ReadCloser {
	var mu sync.Mutex
	return func(_ *http.Request, body io.ReadCloser) io.ReadCloser {
		mu.Lock()
		defer mu.Unlock()
		content, err := io.ReadAll(body)
		if err != nil || body.Close() != nil {
			return io.NopCloser(&cut{})
		}
		if len(content) >= least && times > 0 {
			times--
			content[len(content)/2] ^= 0x10
		}
		return io.NopCloser(bytes.NewReader(content))
	}
}
