package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/wire"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// content is a ContentService that keeps nothing: it answers an upload with
// the size and the digest, and a download with the bytes it was given.
type content struct {
	storagev1.UnimplementedContentServiceServer
	bytes []byte
}

func (c *content) Upload(stream grpc.ClientStreamingServer[storagev1.UploadRequest, storagev1.UploadResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	r := wire.NewReader(stream, nil)
	defer r.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, r)
	if err != nil {
		return fault.ToStatus(err).Err()
	}
	if want := first.GetSpec().GetSha256(); want != nil && !bytes.Equal(want, hash.Sum(nil)) {
		return fault.ToStatus(fault.Invalidf("sha256", "not that of the contents")).Err()
	}
	return stream.SendAndClose(&storagev1.UploadResponse{File: &metadatav1.File{SizeBytes: n}})
}

func (c *content) Download(req *storagev1.DownloadRequest, stream grpc.ServerStreamingServer[storagev1.DownloadResponse]) error {
	header := &storagev1.DownloadHeader{Ranges: req.GetRanges()}
	if err := stream.Send(&storagev1.DownloadResponse{Payload: &storagev1.DownloadResponse_Header{Header: header}}); err != nil {
		return err
	}
	w := wire.NewWriter(stream, req.GetRanges())
	for _, r := range req.GetRanges() {
		if _, err := w.ReadFrom(bytes.NewReader(c.bytes[r.GetOffset():][:r.GetLength()])); err != nil {
			return err
		}
	}
	return w.Close()
}

// serve starts a server and returns a client of it, whose codec is ours or the
// stock one.
func serve(t testing.TB, c *content, ours bool) storagev1.ContentServiceClient {
	t.Helper()
	server := grpc.NewServer(grpc.WaitForHandlers(true), grpc.ForceServerCodecV2(wire.Codec{}))
	storagev1.RegisterContentServiceServer(server, c)
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	dial := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	if ours {
		dial = append(dial, grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec{})))
	}
	conn, err := grpc.NewClient("passthrough:///"+lis.Addr().String(), dial...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return storagev1.NewContentServiceClient(conn)
}

type uploadClient = grpc.ClientStreamingClient[storagev1.UploadRequest, storagev1.UploadResponse]

// begin opens an upload and sends the spec.
func begin(ctx context.Context, t testing.TB, client storagev1.ContentServiceClient, want []byte) uploadClient {
	t.Helper()
	stream, err := client.Upload(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(want)
	spec := &storagev1.UploadSpec{Sha256: sum[:]}
	if err := stream.Send(&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Spec{Spec: spec}}); err != nil {
		t.Fatal(err)
	}
	return stream
}

func whole(b []byte) []*storagev1.ByteRange {
	return []*storagev1.ByteRange{{Length: int64(len(b))}}
}

var sizes = []int{0, 1, 4095, 4096, 65_537, wire.ChunkBytes - 1, wire.ChunkBytes, wire.ChunkBytes + 1, 5*wire.ChunkBytes + 7}

func TestUpload(t *testing.T) {
	client := serve(t, new(content), true)
	for _, size := range sizes {
		want := random(size)
		for name, write := range map[string]func(w *wire.Writer) error{
			"Write": func(w *wire.Writer) error {
				// io.Copy would use ReadFrom.
				_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{bytes.NewReader(want)}, make([]byte, 10_007))
				return err
			},
			"Write at once": func(w *wire.Writer) error {
				_, err := w.Write(want)
				return err
			},
			"ReadFrom": func(w *wire.Writer) error {
				_, err := w.ReadFrom(bytes.NewReader(want))
				return err
			},
			"ReadFrom halves, EOF with data": func(w *wire.Writer) error {
				_, err := w.ReadFrom(iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(want))))
				return err
			},
		} {
			for _, ranges := range [][]*storagev1.ByteRange{nil, whole(want)} {
				t.Run(fmt.Sprintf("%s/%d/known=%t", name, size, ranges != nil), func(t *testing.T) {
					stream := begin(t.Context(), t, client, want)
					w := wire.NewWriter(stream, ranges)
					if err := write(w); err != nil {
						t.Fatal(err)
					}
					if err := w.Close(); err != nil {
						t.Fatal(err)
					}
					resp, err := stream.CloseAndRecv()
					if err != nil {
						t.Fatal(err)
					}
					if got := resp.GetFile().GetSizeBytes(); got != int64(size) {
						t.Errorf("%d bytes arrived, %d were sent", got, size)
					}
				})
			}
		}
	}
}

func TestDownload(t *testing.T) {
	all := random(5*wire.ChunkBytes + 7)
	client := serve(t, &content{bytes: all}, true)
	for name, ranges := range map[string][]*storagev1.ByteRange{
		"nothing":      {},
		"empty":        {{Length: 0}},
		"a byte":       {{Offset: 77, Length: 1}},
		"whole":        whole(all),
		"many":         {{Offset: 1, Length: 70_000}, {Offset: 0, Length: 3}, {Offset: 2 << 20, Length: 3 << 20}},
		"with empties": {{Offset: 9}, {Offset: 5, Length: 5}, {Offset: 6}, {Offset: 50, Length: 5}, {Offset: 7}},
	} {
		var want []byte
		for _, r := range ranges {
			want = append(want, all[r.GetOffset():][:r.GetLength()]...)
		}
		for how, read := range map[string]func(r *wire.Reader) ([]byte, error){
			"Read": func(r *wire.Reader) ([]byte, error) {
				return io.ReadAll(struct{ io.Reader }{r})
			},
			"WriteTo": func(r *wire.Reader) ([]byte, error) {
				var got bytes.Buffer
				_, err := r.WriteTo(&got)
				return got.Bytes(), err
			},
			"Read a little, then WriteTo": func(r *wire.Reader) ([]byte, error) {
				got := bytes.NewBuffer(make([]byte, min(len(want), 20_001)))
				if _, err := io.ReadFull(r, got.Bytes()); err != nil {
					return nil, err
				}
				_, err := r.WriteTo(got)
				return got.Bytes(), err
			},
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				stream, err := client.Download(t.Context(), &storagev1.DownloadRequest{Ranges: ranges})
				if err != nil {
					t.Fatal(err)
				}
				first, err := stream.Recv()
				if err != nil {
					t.Fatal(err)
				}
				layout := first.GetHeader().GetRanges()
				if layout == nil {
					layout = []*storagev1.ByteRange{}
				}
				r := wire.NewReader(stream, layout)
				defer r.Close()
				got, err := read(r)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%d other bytes arrived, %d were sent", len(got), len(want))
				}
			})
		}
	}
}

// TestStockPeers: nobody can tell from the outside which codec a peer has.
func TestStockPeers(t *testing.T) {
	want := random(2*wire.ChunkBytes + 3)
	chunks := func(yield func(*storagev1.Chunk) bool) {
		for at := 0; at < len(want); at += 700_000 {
			data := want[at:min(at+700_000, len(want))]
			if !yield(&storagev1.Chunk{Offset: int64(at), Crc32C: checksum(data), Data: data}) {
				return
			}
		}
	}
	t.Run("stock client uploads", func(t *testing.T) {
		stream := begin(t.Context(), t, serve(t, new(content), false), want)
		for c := range chunks {
			if err := stream.Send(&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Chunk{Chunk: c}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := stream.CloseAndRecv(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("stock client downloads", func(t *testing.T) {
		client := serve(t, &content{bytes: want}, false)
		stream, err := client.Download(t.Context(), &storagev1.DownloadRequest{Ranges: whole(want)})
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for {
			m, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if c := m.GetChunk(); c != nil {
				if c.GetOffset() != int64(len(got)) || c.GetCrc32C() != checksum(c.GetData()) {
					t.Fatalf("chunk at %d after %d bytes, crc32c %x", c.GetOffset(), len(got), c.GetCrc32C())
				}
				got = append(got, c.GetData()...)
			}
		}
		if !bytes.Equal(got, want) {
			t.Error("other bytes arrived")
		}
	})
}

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

// poolOfStream counts what is out while transports give back concurrently.
type poolOfStream struct{ out atomic.Int64 }

func (p *poolOfStream) Get(n int) *[]byte {
	p.out.Add(1)
	return wire.Pool.Get(n)
}

func (p *poolOfStream) Put(b *[]byte) {
	p.out.Add(-1)
	wire.Pool.Put(b)
}

func TestTheTransportGivesBuffersBack(t *testing.T) {
	want := random(3*wire.ChunkBytes + 5)
	pool := new(poolOfStream)
	t.Run("transfer", func(t *testing.T) {
		stream := begin(t.Context(), t, serve(t, new(content), true), want)
		w := wire.NewWriter(stream, whole(want))
		w.UsePool(pool)
		if _, err := w.ReadFrom(bytes.NewReader(want)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.CloseAndRecv(); err != nil {
			t.Fatal(err)
		}
	})
	// The server and the connection are closed, so nothing is in flight.
	if n := pool.out.Load(); n != 0 {
		t.Errorf("%d buffers did not come back", n)
	}
}

func TestACancelledDownloadEndsTheWriter(t *testing.T) {
	all := random(4 * wire.ChunkBytes)
	client := serve(t, &content{bytes: all}, true)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := client.Download(ctx, &storagev1.DownloadRequest{Ranges: whole(all)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	r := wire.NewReader(stream, whole(all))
	defer r.Close()
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.WriteTo(io.Discard); fault.ReasonOf(err) != fault.ReasonOf(context.Canceled) {
		t.Errorf("got %v", err)
	}
	// serve's cleanup waits for the handler to return.
}
