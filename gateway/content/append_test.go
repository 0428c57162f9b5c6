package content_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/holdfast-files/holdfast/gateway/content"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/rpc"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// came is what storage got of an append.
type came struct {
	bytes       []byte
	interrupted bool
	end         error // of the stream
}

// storage is a storage service that does with appends what a test says.
type storage struct {
	storagev1.UnimplementedResumableServiceServer

	// answer, when not nil, is asked after the spec and each chunk; what it returns
	// ends the call.
	answer func(bytes int) error
	came   chan came
}

func (s *storage) AppendUpload(stream grpc.BidiStreamingServer[storagev1.AppendUploadRequest, storagev1.AppendUploadResponse]) error {
	var got came
	defer func() { s.came <- got }()
	for {
		message, err := stream.Recv()
		got.end = err
		switch {
		case errors.Is(err, io.EOF):
			return stream.Send(&storagev1.AppendUploadResponse{Payload: &storagev1.AppendUploadResponse_Status{
				Status: &storagev1.UploadStatus{Upload: &metadatav1.Upload{OffsetBytes: int64(len(got.bytes))}},
			}})
		case err != nil:
			return err
		case message.GetInterrupted():
			got.interrupted = true
			return fault.New(errorsv1.Reason_REASON_CANCELLED, "the sender lost its source")
		case message.GetChunk() != nil:
			got.bytes = append(got.bytes, message.GetChunk().GetData()...)
			progress := &storagev1.AppendProgress{OffsetBytes: int64(len(got.bytes))}
			if err := stream.Send(&storagev1.AppendUploadResponse{
				Payload: &storagev1.AppendUploadResponse_Progress{Progress: progress},
			}); err != nil {
				return err
			}
		}
		if s.answer != nil {
			if err := s.answer(len(got.bytes)); err != nil {
				return err
			}
		}
	}
}

func newStorage(t *testing.T) (*storage, *content.Client) {
	t.Helper()
	s := &storage{came: make(chan came, 1)}
	quiet := slog.New(slog.DiscardHandler)
	server := rpc.New(rpc.Config{Logger: quiet, Name: "storage"})
	storagev1.RegisterResumableServiceServer(server, s)
	listeners, err := rpc.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listeners[0]) }()
	conn, err := rpc.Dial(listeners[0].Addr().String(), rpc.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(server.Drain(ctx), <-served); err != nil {
			t.Errorf("drain: %v", err)
		}
	})
	return s, content.NewClient(conn)
}

// stalling is a body that yields some bytes and then nothing, until it is
// interrupted.
type stalling struct {
	io.Reader
	stop chan struct{}
	once sync.Once
}

func (s *stalling) Read(p []byte) (int, error) {
	if n, err := s.Reader.Read(p); n > 0 || err == nil {
		return n, err
	}
	<-s.stop
	return 0, errInterrupted
}

func (s *stalling) Interrupt() { s.once.Do(func() { close(s.stop) }) }

var errInterrupted = errors.New("interrupted")

func TestAppend(t *testing.T) {
	for _, size := range []int{0, 1, 1 << 20, 3<<20 + 7} {
		s, client := newStorage(t)
		want := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		reached := int64(0)
		status, err := client.AppendUpload(t.Context(), &storagev1.AppendSpec{}, bytes.NewReader(want), func(offset int64) { reached = offset })
		if err != nil || status.GetUpload().GetOffsetBytes() != int64(size) || reached != int64(size) {
			t.Errorf("%d bytes: %v, %v, progress up to %d", size, status, err, reached)
		}
		if got := <-s.came; !bytes.Equal(got.bytes, want) || got.interrupted {
			t.Errorf("%d bytes: %d came, interrupted %v", size, len(got.bytes), got.interrupted)
		}
	}
}

// Storage has its answer before the body has ended: the body is interrupted, and
// the answer is the outcome.
func TestAppendAnsweredEarly(t *testing.T) {
	for name, after := range map[string]int{"at once": 0, "after some bytes": 1000} {
		t.Run(name, func(t *testing.T) {
			s, client := newStorage(t)
			s.answer = func(bytes int) error {
				if bytes < after {
					return nil
				}
				return fault.New(errorsv1.Reason_REASON_UPLOAD_SUPERSEDED, "a newer request has it")
			}
			// A few bytes would wait in the client for more.
			body := &stalling{Reader: bytes.NewReader(make([]byte, 3<<20)), stop: make(chan struct{})}
			_, err := client.AppendUpload(t.Context(), &storagev1.AppendSpec{}, body, nil)
			if fault.ReasonOf(fault.FromStatus(err)) != errorsv1.Reason_REASON_UPLOAD_SUPERSEDED {
				t.Errorf("got %v", err)
			}
			if got := <-s.came; got.interrupted {
				t.Error("storage was told of an interruption that was its own")
			}
		})
	}
}

// The source of the bytes fails, or whoever sends them leaves: what came goes to
// storage, which hears that it is not the whole.
func TestAppendInterrupted(t *testing.T) {
	for name, c := range map[string]func(ctx context.Context, leave func()) (io.Reader, error){
		"the source fails": func(context.Context, func()) (io.Reader, error) {
			return io.MultiReader(bytes.NewReader(make([]byte, 1000)), failing{errInterrupted}), errInterrupted
		},
		"the caller leaves": func(ctx context.Context, leave func()) (io.Reader, error) {
			body := &stalling{Reader: io.MultiReader(bytes.NewReader(make([]byte, 1000)), leaving(leave)), stop: make(chan struct{})}
			return body, errInterrupted
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, client := newStorage(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			body, want := c(ctx, cancel)
			_, err := client.AppendUpload(ctx, &storagev1.AppendSpec{}, body, nil)
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			if got := <-s.came; len(got.bytes) != 1000 || !got.interrupted {
				t.Errorf("%d bytes came, interrupted %v, %v", len(got.bytes), got.interrupted, got.end)
			}
		})
	}
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// leaving is a reader at whose end the caller leaves.
type leaving func()

func (l leaving) Read([]byte) (int, error) {
	l()
	return 0, io.EOF
}
