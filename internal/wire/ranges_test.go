package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/wire"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

func TestReaderRefuses(t *testing.T) {
	data := []byte("0123456789")
	chunk := func(offset int64, data []byte) *storagev1.Chunk {
		return &storagev1.Chunk{Offset: offset, Crc32C: checksum(data), Data: data}
	}
	wrong := chunk(10, data)
	wrong.Crc32C++
	spec := &storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Spec{Spec: &storagev1.UploadSpec{ContentType: "a/b"}}}
	for name, tc := range map[string]struct {
		second *storagev1.UploadRequest
		want   *fault.Error
	}{
		"a gap":           {carry(chunk(11, data)), fault.Invalid},
		"an overlap":      {carry(chunk(9, data)), fault.Invalid},
		"no data":         {carry(chunk(10, nil)), fault.Invalid},
		"too much data":   {carry(chunk(10, make([]byte, wire.MaxChunkBytes+1))), fault.Invalid},
		"another spec":    {spec, fault.Invalid},
		"no payload":      {&storagev1.UploadRequest{}, fault.Invalid},
		"a wrong crc32c":  {carry(wrong), &fault.Error{Reason: errorsv1.Reason_REASON_DIGEST_MISMATCH}},
		"nothing is fine": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			stream := begin(t.Context(), t, serve(t, new(content), false), data)
			if err := stream.Send(carry(chunk(0, data))); err != nil {
				t.Fatal(err)
			}
			if tc.second != nil {
				if err := stream.Send(tc.second); err != nil {
					t.Fatal(err)
				}
			}
			_, err := stream.CloseAndRecv()
			if tc.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err := fault.FromStatus(err); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want.Reason)
			}
		})
	}
}

func carry(c *storagev1.Chunk) *storagev1.UploadRequest {
	return &storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Chunk{Chunk: c}}
}

// receiver is a stream that has received some chunks.
type receiver []*storagev1.Chunk

func (r *receiver) RecvMsg(m any) error {
	if len(*r) == 0 {
		return io.EOF
	}
	b, err := codec.Marshal(carry((*r)[0]))
	if err != nil {
		return err
	}
	*r = (*r)[1:]
	return codec.Unmarshal(b, m)
}

func TestReaderHoldsToTheRanges(t *testing.T) {
	data := random(20)
	at := func(offset, n int) *storagev1.Chunk {
		return &storagev1.Chunk{Offset: int64(offset), Crc32C: checksum(data[offset:][:n]), Data: data[offset:][:n]}
	}
	ranges := []*storagev1.ByteRange{{Offset: 2, Length: 4}, {Offset: 10, Length: 5}}
	for name, tc := range map[string]struct {
		chunks receiver
		want   error
	}{
		"whole":               {receiver{at(2, 3), at(5, 1), at(10, 5)}, nil},
		"short of a range":    {receiver{at(2, 4)}, io.ErrUnexpectedEOF},
		"short":               {receiver{at(2, 4), at(10, 4)}, io.ErrUnexpectedEOF},
		"over the edge":       {receiver{at(2, 8)}, fault.Invalid},
		"more than announced": {receiver{at(2, 4), at(10, 5), at(15, 1)}, fault.Invalid},
		"other order":         {receiver{at(10, 5), at(2, 4)}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			stream := tc.chunks
			n, err := wire.NewReader(&stream, ranges).WriteTo(io.Discard)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v after %d bytes, want %v", err, n, tc.want)
			}
		})
	}
}

func TestReaderStaysFailed(t *testing.T) {
	stream := receiver{{Offset: 1, Data: []byte("x")}, {Data: []byte("x"), Crc32C: checksum([]byte("x"))}}
	r := wire.NewReader(&stream, nil)
	for range 2 {
		if n, err := r.Read(make([]byte, 8)); n != 0 || !errors.Is(err, fault.Invalid) {
			t.Errorf("Read returned %d, %v", n, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestClosedReaderYieldsNothing(t *testing.T) {
	stream := receiver{{Data: []byte("xy"), Crc32C: checksum([]byte("xy"))}}
	r := wire.NewReader(&stream, nil)
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Read returned %d, %v", n, err)
	}
}

// sender is a stream that takes n messages.
type sender struct {
	n   int
	err error
}

func (s *sender) SendMsg(any) error {
	if s.n == 0 {
		return s.err
	}
	s.n--
	return nil
}

func TestWriterHoldsToTheRanges(t *testing.T) {
	ranges := []*storagev1.ByteRange{{Length: 3}, {Offset: 9, Length: 2}}
	t.Run("too much by Write", func(t *testing.T) {
		w := wire.NewWriter(&sender{n: 9}, ranges)
		if n, err := w.Write(make([]byte, 6)); n != 5 || !errors.Is(err, wire.ErrTooLong) {
			t.Errorf("wrote %d, %v", n, err)
		}
	})
	t.Run("too much by ReadFrom", func(t *testing.T) {
		w := wire.NewWriter(&sender{n: 9}, ranges)
		if n, err := w.ReadFrom(bytes.NewReader(make([]byte, 6))); n != 5 || !errors.Is(err, wire.ErrTooLong) {
			t.Errorf("read %d, %v", n, err)
		}
	})
	t.Run("too little", func(t *testing.T) {
		w := wire.NewWriter(&sender{n: 9}, ranges)
		if _, err := w.Write(make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("Close returned %v", err)
		}
	})
	t.Run("the peer hangs up", func(t *testing.T) {
		w := wire.NewWriter(&sender{n: 1, err: io.EOF}, ranges)
		if n, err := w.Write(make([]byte, 5)); n != 5 || !errors.Is(err, wire.ErrStreamEnded) {
			t.Errorf("wrote %d, %v", n, err)
		}
	})
	t.Run("the source fails", func(t *testing.T) {
		w := wire.NewWriter(&sender{n: 9}, nil)
		if _, err := w.ReadFrom(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(make([]byte, 9))))); !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("got %v", err)
		}
	})
}
