package contentgrpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

type appendStream = grpc.BidiStreamingClient[storagev1.AppendUploadRequest, storagev1.AppendUploadResponse]

func (w *world) open(t *testing.T, size int64) string {
	t.Helper()
	status, err := w.resumable.CreateUpload(t.Context(), &storagev1.CreateUploadRequest{
		Parent: "spaces/s", SizeBytes: &size,
		Target: &storagev1.CreateUploadRequest_Path{Path: &storagev1.PathTarget{Space: "spaces/s", Path: "/a"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return status.GetUpload().GetName()
}

// begin sends the spec of an append and the first chunks.
func (w *world) begin(ctx context.Context, t *testing.T, spec *storagev1.AppendSpec, chunks ...[]byte) appendStream {
	t.Helper()
	stream, err := w.resumable.AppendUpload(ctx)
	if err == nil {
		err = stream.Send(&storagev1.AppendUploadRequest{Payload: &storagev1.AppendUploadRequest_Spec{Spec: spec}})
	}
	offset := int64(0)
	for _, chunk := range chunks {
		if err == nil {
			err = stream.Send(&storagev1.AppendUploadRequest{Payload: &storagev1.AppendUploadRequest_Chunk{
				Chunk: chunkMessage(offset, chunk).GetChunk(),
			}})
		}
		offset += int64(len(chunk))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return stream
}

// outcome receives up to the status, and checks that progress only grows.
func outcome(t *testing.T, stream appendStream) (*storagev1.UploadStatus, error) {
	t.Helper()
	for reached := int64(0); ; {
		message, err := stream.Recv()
		if err != nil {
			return nil, fault.FromStatus(err)
		}
		if message.GetStatus() != nil {
			return message.GetStatus(), nil
		}
		if at := message.GetProgress().GetOffsetBytes(); at < reached {
			t.Errorf("progress went back from %d to %d", reached, at)
		} else {
			reached = at
		}
	}
}

func (w *world) offset(t *testing.T, upload string) int64 {
	t.Helper()
	status, err := w.resumable.QueryUpload(t.Context(), &storagev1.QueryUploadRequest{Name: upload})
	if err != nil {
		t.Fatal(err)
	}
	return status.GetUpload().GetOffsetBytes()
}

// An append over gRPC goes on after a sender that lost its source and one that
// left; what came is kept each time, and in the end the file has all bytes.
func TestAppendInterrupted(t *testing.T) {
	w := newWorld(t, time.Minute, nil)
	want := data(4 << 20)
	upload := w.open(t, int64(len(want)))

	lost := w.begin(t.Context(), t, &storagev1.AppendSpec{Name: upload}, want[:1<<20])
	interrupted := &storagev1.AppendUploadRequest{Payload: &storagev1.AppendUploadRequest_Interrupted{Interrupted: true}}
	if err := errors.Join(lost.Send(interrupted), lost.CloseSend()); err != nil {
		t.Fatal(err)
	}
	if status, err := outcome(t, lost); err == nil {
		t.Errorf("an interrupted append has the outcome %v", status)
	}
	if at := w.offset(t, upload); at != 1<<20 {
		t.Fatalf("after an interrupted append there are %d bytes", at)
	}

	ctx, leave := context.WithCancel(t.Context())
	left := w.begin(ctx, t, &storagev1.AppendSpec{Name: upload, OffsetBytes: 1 << 20}, want[1<<20:2<<20])
	leave()
	_, _ = outcome(t, left) // whatever it is, nobody is there to hear of it
	at := w.offset(t, upload)
	if at < 1<<20 || at > 2<<20 {
		t.Fatalf("after a sender that left there are %d bytes", at)
	}

	last := w.begin(t.Context(), t, &storagev1.AppendSpec{Name: upload, OffsetBytes: at}, want[at:at+1<<20], want[at+1<<20:])
	if err := last.CloseSend(); err != nil {
		t.Fatal(err)
	}
	status, err := outcome(t, last)
	if err != nil || status.GetUpload().GetState() != metadatav1.Upload_COMPLETE {
		t.Fatalf("the last append: %v, %v", status, err)
	}
	if _, got, err := w.download(t.Context(), request()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("download: %d bytes, %v", len(got), err)
	}
}

// A chunk is held as long as bytes of it are left, and charged for so long.
func TestHeldBytes(t *testing.T) {
	w := newWorld(t, time.Minute, nil)
	ctx, leave := context.WithTimeout(t.Context(), time.Minute)
	defer leave()
	stream := w.begin(ctx, t, &storagev1.AppendSpec{Name: w.open(t, 4<<20)}, data(1<<20))
	const base = (2 + 4 + 1) * (64 << 10)
	// A chunk is counted as uploaded a moment before it is given back.
	for got := w.engine.Stats(); got.UploadedBytes < 1<<20 || got.BufferBytes < base || (got.BufferBytes-base)%(2<<20) != 0; got = w.engine.Stats() {
		if ctx.Err() != nil {
			t.Fatalf("%d bytes are charged when a chunk is read, want %d and what streams", got.BufferBytes, base)
		}
		<-time.After(time.Millisecond)
	}
	leave()
	_, _ = outcome(t, stream) // whatever it is, nobody is there to hear of it
	for w.engine.Stats().Uploads != 0 {
		<-time.After(time.Millisecond)
	}
	if got := w.engine.Stats().BufferBytes; got != 0 {
		t.Errorf("%d bytes are charged when all is over", got)
	}
}

// What no client of ours would send is refused, and adds no byte.
func TestMalformedAppends(t *testing.T) {
	w := newWorld(t, time.Minute, nil)
	upload := w.open(t, 100)
	spec := &storagev1.AppendUploadRequest{Payload: &storagev1.AppendUploadRequest_Spec{Spec: &storagev1.AppendSpec{Name: upload}}}
	chunk := func(offset int64, n int) *storagev1.AppendUploadRequest {
		return &storagev1.AppendUploadRequest{Payload: &storagev1.AppendUploadRequest_Chunk{Chunk: chunkMessage(offset, data(n)).GetChunk()}}
	}
	wrong := chunk(0, 50)
	wrong.GetChunk().Crc32C++
	for name, c := range map[string]struct {
		messages []*storagev1.AppendUploadRequest
		want     errorsv1.Reason
	}{
		"nothing":           {nil, errorsv1.Reason_REASON_INVALID_ARGUMENT},
		"chunk first":       {[]*storagev1.AppendUploadRequest{chunk(0, 50)}, errorsv1.Reason_REASON_INVALID_ARGUMENT},
		"gap":               {[]*storagev1.AppendUploadRequest{spec, chunk(1, 50)}, errorsv1.Reason_REASON_INVALID_ARGUMENT},
		"spec twice":        {[]*storagev1.AppendUploadRequest{spec, spec}, errorsv1.Reason_REASON_INVALID_ARGUMENT},
		"wrong crc32c":      {[]*storagev1.AppendUploadRequest{spec, wrong}, errorsv1.Reason_REASON_DIGEST_MISMATCH},
		"more than it has":  {[]*storagev1.AppendUploadRequest{spec, chunk(0, 101)}, errorsv1.Reason_REASON_INVALID_ARGUMENT},
		"an upload of none": {[]*storagev1.AppendUploadRequest{{Payload: &storagev1.AppendUploadRequest_Spec{Spec: &storagev1.AppendSpec{Name: "spaces/s/uploads/none"}}}}, errorsv1.Reason_REASON_NOT_FOUND},
	} {
		stream, err := w.resumable.AppendUpload(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range c.messages {
			if err := stream.Send(message); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if status, err := outcome(t, stream); fault.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, %v, want %v", name, status, err, c.want)
		}
		if at := w.offset(t, upload); at != 0 {
			t.Fatalf("%s: there are %d bytes", name, at)
		}
	}
}
