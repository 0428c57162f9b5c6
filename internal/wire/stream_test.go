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
