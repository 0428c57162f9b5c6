package access_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/holdfast-files/holdfast/test/fleet"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// doors are the gRPC doors of a fleet.
func (w *world) doors() map[string]string {
	all := map[string]string{"metadata": w.fleet.Metadata, "storage": w.fleet.Storage, "inspection": w.fleet.Inspect}
	if len(w.fleet.Programs()) > 1 {
		all["ledger"] = w.fleet.Ledger
	}
	return all
}

// peak returns the most memory that the programs have had, together.
func (w *world) peak() int64 {
	w.t.Helper()
	total := int64(0)
	for _, p := range w.fleet.Programs() {
		usage, err := fleet.UsageOf(p.PID())
		if err != nil {
			w.t.Fatal(err)
		}
		total += usage.PeakBytes
	}
	return total
}

// inflated is how large a bomb becomes.
const inflated = 256 << 20

// bomber is gzip, but whatever it is to compress, it sends a bomb: a member of a
// mebibyte again and again (RFC 1952, section 2.2), made once.
type bomber struct {
	encoding.Compressor
	bomb []byte
}

func newBomber() (*bomber, error) {
	var member bytes.Buffer
	w := gzip.NewWriter(&member)
	if _, err := w.Write(make([]byte, 1<<20)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &bomber{encoding.GetCompressor(grpcgzip.Name), bytes.Repeat(member.Bytes(), inflated>>20)}, nil
}

// Compress implements encoding.Compressor.
func (b *bomber) Compress(w io.Writer) (io.WriteCloser, error) { return fuse{w, b.bomb}, nil }

type fuse struct {
	out  io.Writer
	bomb []byte
}

func (fuse) Write(p []byte) (int, error) { return len(p), nil }

func (f fuse) Close() error {
	_, err := f.out.Write(f.bomb)
	return err
}

// What this process sends by gzip over gRPC is a bomb; nothing else here compresses.
// Compressors are registered before anything runs.
func init() {
	b, err := newBomber()
	if err != nil {
		panic(err) // a gzip of zeros, in memory
	}
	encoding.RegisterCompressor(b)
}

// decompressionBombs: a message that inflates to many times the bound is refused,
// before the handler and without the memory for it.
func (w *world) decompressionBombs() {
	before := w.peak()
	refused := func(name string, err error) {
		if code := status.Code(err).String(); code != "ResourceExhausted" && code != "Unimplemented" {
			w.t.Errorf("%s: a bomb came to %v", name, err)
		}
	}
	ctx := metadata.AppendToOutgoingContext(w.t.Context(), "authorization", "Bearer "+w.bearers["administrator"])
	for name, address := range w.doors() {
		conn := w.dial(address, ledgerToken)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				refused(name, conn.conn.Invoke(ctx, "/holdfast.metadata.v1.FileService/LookupFile",
					&metadatav1.LookupFileRequest{Parent: "spaces/team"}, new(metadatav1.File), grpc.UseCompressor(grpcgzip.Name)))
			})
		}
		all.Wait()
	}
	stream, err := storagev1.NewContentServiceClient(w.dial(w.fleet.Storage, "").conn).Upload(ctx, grpc.UseCompressor(grpcgzip.Name))
	if err != nil {
		w.t.Fatal(err)
	}
	err = stream.Send(&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Spec{Spec: new(storagev1.UploadSpec)}})
	if err == nil || errors.Is(err, io.EOF) {
		_, err = stream.CloseAndRecv()
	}
	refused("a stream", err)
	if grown := w.peak() - before; grown > inflated {
		w.t.Errorf("bombs took %d MiB", grown>>20)
	}
}

// headerFloods: header fields without an end, by a peer that keeps to no bound that
// it is told, end the connection or the stream, and take no memory.
func (w *world) headerFloods() {
	before := w.peak()
	doors := w.doors()
	doors["gateway"] = strings.TrimPrefix(w.fleet.URL, "http://")
	for name, address := range doors {
		if sent := w.flood(address); sent >= floodBytes {
			w.t.Errorf("%s took %d MiB of header fields", name, sent>>20)
		}
	}
	if grown := w.peak() - before; grown > floodBytes {
		w.t.Errorf("header fields took %d MiB", grown>>20)
	}
	if got, err := w.dial(w.fleet.Metadata, "").call(w.t, w.bearers["reader"], "holdfast.metadata.v1.SpaceService/ListSpaces", "{}"); got != "OK" {
		w.t.Errorf("afterwards: %s %v", got, err)
	}
	if got := w.status("reader", http.MethodGet, "/v1/spaces/team", ""); got != http.StatusOK {
		w.t.Errorf("afterwards: %d", got)
	}
}

// floodBytes is how much a flood sends at most, a thousand times the bound.
const floodBytes = 64 << 20

// flood opens a stream of HTTP/2 whose header does not end (RFC 9113, section
// 6.10), and returns how much of it was taken before the peer hung up.
func (w *world) flood(address string) int {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = io.Copy(io.Discard, conn) }() // what the peer says is not listened to
	const headers, settings, continuation = 1, 4, 9
	sent := 0
	send := func(p []byte) bool {
		n, err := conn.Write(p)
		sent += n
		return err == nil
	}
	// A literal field without indexing, RFC 7541, section 6.2.2: "x" with 4 KiB.
	field := append([]byte{0, 1, 'x', 0x7f, 0x81, 0x1f}, bytes.Repeat([]byte("a"), 4096)...)
	ok := send([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) && send(frame(settings, 0, nil)) && send(frame(headers, 1, field))
	for ok && sent < floodBytes {
		ok = send(frame(continuation, 1, field))
	}
	return sent
}

func frame(kind byte, stream uint32, payload []byte) []byte {
	head := make([]byte, 9, 9+len(payload))
	head[0], head[1], head[2], head[3] = byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind
	binary.BigEndian.PutUint32(head[5:], stream)
	return append(head, payload...)
}
