package content

import (
	"errors"
	"io"
	"time"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
)

type uploadStream = grpc.ClientStreamingClient[storagev1.UploadRequest, storagev1.UploadResponse]

// Expecter is a body whose sender waits to be asked for it (Expect:
// 100-continue, RFC 9110, section 10.1.1); the first Read asks.
type Expecter interface{ Expects() bool }

// expectTimeout bounds how long a body that waits is withheld for storage's
// word; curl waits as long before it sends unasked.
const expectTimeout = time.Second

// errAnswered ends the reading of a body whose upload has its outcome already.
var errAnswered = errors.New("storage answered before the body ended")

// answer is the outcome of an upload. It is awaited beside the sending only
// where that takes longer than one read of the body.
type answer struct {
	stream uploadStream
	resp   storagev1.UploadResponse
	err    error
	done   chan struct{} // nil until watch
}

// watch starts waiting for the answer.
func (a *answer) watch() {
	a.done = make(chan struct{})
	go func() {
		defer close(a.done)
		a.err = a.stream.RecvMsg(&a.resp)
	}()
}

// came reports whether there is an answer.
func (a *answer) came() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// wait returns the answer. Nothing more may be sent.
func (a *answer) wait() (*storagev1.UploadResponse, error) {
	if a.done == nil {
		a.err = a.stream.RecvMsg(&a.resp)
	} else {
		<-a.done
	}
	if a.err == io.EOF { //nolint:errorlint // the end of a stream is io.EOF itself
		return nil, errors.New("storage ended an upload without its response")
	}
	if a.err != nil {
		return nil, a.err
	}
	return &a.resp, nil
}

// invited waits until storage says, by the header of its response, that it
// takes the body, or answers. An answer without a header is a refusal, whose
// error comes by the other way.
func (a *answer) invited() {
	header := make(chan struct{})
	go func() {
		if md, err := a.stream.Header(); err == nil && md != nil {
			close(header)
		}
	}()
	timeout := time.NewTimer(expectTimeout)
	defer timeout.Stop()
	select {
	case <-a.done:
	case <-header:
	case <-timeout.C:
	}
}

// attentive is a body that ends with errAnswered once the upload has its
// outcome.
type attentive struct {
	body   io.Reader
	answer *answer
}

func (r *attentive) Read(p []byte) (int, error) {
	if r.answer.done != nil {
		if r.answer.came() {
			return 0, errAnswered
		}
		return r.body.Read(p)
	}
	if e, ok := r.body.(Expecter); ok && e.Expects() {
		r.answer.watch()
		r.answer.invited()
		return r.Read(p)
	}
	n, err := r.body.Read(p)
	if err == nil {
		r.answer.watch()
	}
	return n, err
}
