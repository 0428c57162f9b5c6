package content

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/wire"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
)

var _ Resumable = (*Client)(nil)

// CreateUpload implements Resumable.
func (c *Client) CreateUpload(ctx context.Context, req *storagev1.CreateUploadRequest) (*storagev1.UploadStatus, error) {
	return c.resumable.CreateUpload(ctx, req)
}

// QueryUpload implements Resumable.
func (c *Client) QueryUpload(ctx context.Context, req *storagev1.QueryUploadRequest) (*storagev1.UploadStatus, error) {
	return c.resumable.QueryUpload(ctx, req)
}

// CancelUpload implements Resumable.
func (c *Client) CancelUpload(ctx context.Context, req *storagev1.CancelUploadRequest) error {
	_, err := c.resumable.CancelUpload(ctx, req)
	return err
}

// ConcatenateUploads implements Resumable.
func (c *Client) ConcatenateUploads(ctx context.Context, req *storagev1.ConcatenateUploadsRequest) (*storagev1.UploadStatus, error) {
	return c.resumable.ConcatenateUploads(ctx, req)
}

type appendStream = grpc.BidiStreamingClient[storagev1.AppendUploadRequest, storagev1.AppendUploadResponse]

// partingTimeout bounds how long an append goes on when its caller has left, to
// bring over what the body had yielded.
const partingTimeout = 15 * time.Second

// AppendUpload implements Resumable. When storage ends the stream before it has
// everything, a body that is an Interrupter is interrupted and any other read
// no further. When ctx ends, what body had yielded still goes to storage.
func (c *Client) AppendUpload(ctx context.Context, spec *storagev1.AppendSpec, body io.Reader, progress func(offset int64)) (*storagev1.UploadStatus, error) {
	// An early return ends the stream without its half-close, which tells
	// storage that it does not have the whole.
	staying, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		interrupt(body)
		time.AfterFunc(partingTimeout, cancel)
	})()
	stream, err := c.resumable.AppendUpload(staying)
	if err != nil {
		return nil, err
	}
	answers := &appendAnswers{stream: stream, progress: progress, body: body, done: make(chan struct{})}
	go answers.receive()
	err = sendAppend(stream, spec, &heedful{body: body, answers: answers})
	<-answers.done
	switch {
	case answers.err != nil && err != nil && !errors.Is(err, errAnswered) && !errors.Is(err, wire.ErrStreamEnded):
		// Storage's outcome follows from the body's, unless it is one of its own.
		if reason := fault.ReasonOf(answers.err); reason == errorsv1.Reason_REASON_INVALID_ARGUMENT ||
			reason == errorsv1.Reason_REASON_CANCELLED {
			return nil, err
		}
	}
	return answers.status, answers.err
}

// sendAppend sends the spec and the body. When the body fails, storage is told
// so, after all that came, and not by the end of the stream.
func sendAppend(stream appendStream, spec *storagev1.AppendSpec, body io.Reader) error {
	err := stream.Send(&storagev1.AppendUploadRequest{Payload: &storagev1.AppendUploadRequest_Spec{Spec: spec}})
	if err == io.EOF { //nolint:errorlint // the end of a stream is io.EOF itself
		return wire.ErrStreamEnded
	}
	if err != nil {
		return err
	}
	w := wire.NewWriter(stream, nil)
	if _, err = w.ReadFrom(body); err == nil {
		err = w.Close()
	} else if !errors.Is(err, errAnswered) && w.Flush() == nil {
		// That this cannot be sent any more shows in the answer.
		_ = stream.Send(&storagev1.AppendUploadRequest{
			Payload: &storagev1.AppendUploadRequest_Interrupted{Interrupted: true},
		})
	}
	return errors.Join(err, stream.CloseSend())
}

func interrupt(body io.Reader) {
	if body, ok := body.(Interrupter); ok {
		body.Interrupt()
	}
}

// appendAnswers are what storage says while an append goes on.
type appendAnswers struct {
	stream   appendStream
	progress func(int64)
	body     io.Reader

	done   chan struct{} // closed when status and err are there
	status *storagev1.UploadStatus
	err    error
}

func (a *appendAnswers) receive() {
	defer close(a.done)
	for a.status == nil {
		message, err := a.stream.Recv()
		switch {
		case err == io.EOF: //nolint:errorlint // the end of a stream is io.EOF itself
			a.err = errors.New("storage ended an append without its status")
		case err != nil:
			a.err = err
		case message.GetStatus() != nil:
			a.status = message.GetStatus()
			continue
		default:
			if a.progress != nil {
				a.progress(message.GetProgress().GetOffsetBytes())
			}
			continue
		}
		interrupt(a.body)
		return
	}
}

// heedful is a body that ends with errAnswered once the append has its outcome.
type heedful struct {
	body    io.Reader
	answers *appendAnswers
}

func (r *heedful) Read(p []byte) (int, error) {
	select {
	case <-r.answers.done:
		return 0, errAnswered
	default:
	}
	n, err := r.body.Read(p)
	if err != nil && err != io.EOF {
		select {
		case <-r.answers.done: // it was interrupted for that
			err = errAnswered
		default:
		}
	}
	return n, err
}
