package wire_test

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-files/holdfast/internal/wire"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

var codec wire.Codec

// split returns b in buffers of at most n bytes, with empty ones between.
func split(b []byte, n int) mem.BufferSlice {
	var s mem.BufferSlice
	for len(b) > 0 {
		step := min(n, len(b))
		s = append(s, mem.SliceBuffer(b[:step]), mem.SliceBuffer(nil))
		b = b[step:]
	}
	return s
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// FuzzEncode: a Chunk is encoded like both messages that carry one.
func FuzzEncode(f *testing.F) {
	f.Add(int64(0), uint32(0), []byte(nil), 1)
	f.Add(int64(1<<40), uint32(7), []byte("hello"), 2)
	f.Add(int64(-1), uint32(1<<31), bytes.Repeat([]byte("x"), 300), 64)
	f.Fuzz(func(t *testing.T, offset int64, crc uint32, data []byte, n int) {
		inner := &storagev1.Chunk{Offset: offset, Crc32C: crc, Data: data}
		chunk := wire.Chunk{Offset: offset, CRC32C: crc, Data: split(data, max(n, 1))}
		got, err := codec.Marshal(&chunk)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []proto.Message{
			&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Chunk{Chunk: inner}},
			&storagev1.DownloadResponse{Payload: &storagev1.DownloadResponse_Chunk{Chunk: inner}},
		} {
			want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Materialize(), want) {
				t.Errorf("%T: got %x, want %x", m, got.Materialize(), want)
			}
		}
	})
}

// FuzzDecode: a Chunk is decoded from any bytes as both messages are, and
// however the bytes are split.
func FuzzDecode(f *testing.F) {
	for _, seed := range decodeSeeds() {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, message []byte, n int) {
		if carriesOther(message) {
			// A Chunk does not look into the spec or the header.
			return
		}
		chunk := wire.Chunk{Data: mem.BufferSlice{mem.SliceBuffer("old")}}
		err := codec.Unmarshal(split(message, max(n, 1)), &chunk)

		for _, m := range []interface {
			proto.Message
			GetChunk() *storagev1.Chunk
		}{new(storagev1.UploadRequest), new(storagev1.DownloadResponse)} {
			wantErr := proto.Unmarshal(message, m)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("error %v, protobuf says %v", err, wantErr)
			}
			if err != nil {
				continue
			}
			want := m.GetChunk()
			if chunk.Offset != want.GetOffset() || chunk.CRC32C != want.GetCrc32C() ||
				!bytes.Equal(chunk.Data.Materialize(), want.GetData()) {
				t.Errorf("got %d %d %x, want %v", chunk.Offset, chunk.CRC32C, chunk.Data.Materialize(), want)
			}
		}
	})
}

// carriesOther reports whether a message has the field of the spec or header.
func carriesOther(message []byte) bool {
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false
		}
		if num == 1 && typ == protowire.BytesType {
			return true
		}
		m := protowire.ConsumeFieldValue(num, typ, message[n:])
		if m < 0 {
			return false
		}
		message = message[n+m:]
	}
	return false
}

// decodeSeeds are messages that a canonical encoder would not write.
func decodeSeeds() [][]byte {
	field := func(num protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), v)
	}
	varint := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
	}
	fixed := func(num protowire.Number, v uint32) []byte {
		return protowire.AppendFixed32(protowire.AppendTag(nil, num, protowire.Fixed32Type), v)
	}
	group := func(num protowire.Number, v []byte) []byte {
		b := append(protowire.AppendTag(nil, num, protowire.StartGroupType), v...)
		return protowire.AppendTag(b, num, protowire.EndGroupType)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	data := field(3, []byte("the data"))
	return [][]byte{
		nil,
		field(2, nil),
		field(2, join(varint(1, 5), fixed(2, 9), data)),
		field(2, join(data, fixed(2, 9), varint(1, 5))),
		field(2, join(data, field(3, []byte("newer")), varint(1, 5), varint(1, 6))),
		join(field(2, data), field(2, varint(1, 5))),
		field(2, join(data, field(9, []byte("unknown")), group(8, varint(1, 1)), fixed(7, 1))),
		join(varint(2, 1), field(2, data), group(15, group(16, data))),
		field(2, join(varint(3, 1), fixed(1, 1), field(2, data))),
		field(2, data)[:5],
		{0x12, 0x80},
		{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
		{0x12, 0x05, 0x1a, 0x06, 'a', 'b', 'c', 'd', 'e', 'f'},
		// The data end behind the message that they are in.
		[]byte("\x12\x11000000\xf800\x1a\b00000000"),
		{0x00},
		{0x13, 0x14},
		{0x13, 0x1c},
		{0x14},
		{0x12, 0x02, 0x1b, 0x1c, 0x1c},
		{0xf8, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00},
		varint(protowire.MaxValidNumber+1, 1),
		group(9, varint(protowire.MaxValidNumber+1, 1)),
	}
}

// A message that is not a chunk is no error of the codec: the Reader refuses
// it with a reason.
func TestDecodeOfAnotherMessage(t *testing.T) {
	spec, err := proto.Marshal(&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Spec{
		Spec: &storagev1.UploadSpec{ContentType: "text/plain"}}})
	if err != nil {
		t.Fatal(err)
	}
	var chunk wire.Chunk
	if err := codec.Unmarshal(split(spec, 4), &chunk); err != nil || len(chunk.Data) != 0 {
		t.Errorf("error %v, data %v", err, chunk.Data)
	}
}

// countingPool knows how many of its buffers are out.
type countingPool struct{ out int }

func (p *countingPool) Get(n int) *[]byte {
	p.out++
	b := make([]byte, n)
	return &b
}

func (p *countingPool) Put(*[]byte) { p.out-- }

func TestBuffersComeBack(t *testing.T) {
	pool := new(countingPool)
	buffer := func(b []byte) mem.Buffer { return mem.Copy(b, pool) }
	data := bytes.Repeat([]byte("0123456789abcdef"), 1024)
	send := wire.Chunk{Offset: 3, CRC32C: checksum(data), Data: mem.BufferSlice{buffer(data[:5000]), buffer(data[5000:])}}

	message, err := codec.Marshal(&send)
	if err != nil {
		t.Fatal(err)
	}
	send.Free()
	if pool.out != 2 {
		t.Fatalf("%d buffers out after the sender's Free, the transport has 2", pool.out)
	}

	var received wire.Chunk
	for range 3 { // into the same chunk, as a stream does
		if err := codec.Unmarshal(message, &received); err != nil {
			t.Fatal(err)
		}
	}
	message.Free()
	if pool.out != 2 {
		t.Fatalf("%d buffers out, the receiver has 2", pool.out)
	}
	if !bytes.Equal(received.Data.Materialize(), data) || received.Sum() != received.CRC32C {
		t.Error("other data received")
	}
	received.Free()
	if pool.out != 0 {
		t.Errorf("%d buffers did not come back", pool.out)
	}
}

func TestBuffersOfMalformedMessagesComeBack(t *testing.T) {
	pool := new(countingPool)
	whole, err := codec.Marshal(&wire.Chunk{Data: mem.BufferSlice{mem.SliceBuffer(bytes.Repeat([]byte("x"), 9000))}})
	if err != nil {
		t.Fatal(err)
	}
	malformed := append(whole.Materialize(), 0x12, 0x7f)
	received := wire.Chunk{Data: mem.BufferSlice{mem.Copy(make([]byte, 4096), pool)}}
	in := mem.BufferSlice{mem.Copy(malformed[:5000], pool), mem.Copy(malformed[5000:], pool)}
	if err := codec.Unmarshal(in, &received); err == nil {
		t.Fatal("no error")
	}
	in.Free()
	if pool.out != 0 {
		t.Errorf("%d buffers did not come back", pool.out)
	}
}

func TestPool(t *testing.T) {
	for _, n := range []int{0, 1, 4096, 4097, 1 << 20, 1<<20 + 1, 2 << 20, 2<<20 + 1, 9 << 20} {
		b := wire.Pool.Get(n)
		if len(*b) != n {
			t.Errorf("Get(%d) has %d bytes", n, len(*b))
		}
		if n > 0 && n <= wire.MaxChunkBytes && cap(*b) > max(2*n, 4096) {
			t.Errorf("Get(%d) lends %d bytes", n, cap(*b))
		}
		*b = (*b)[:n/2]
		wire.Pool.Put(b)
	}
	foreign := make([]byte, 5000)
	wire.Pool.Put(&foreign)
	if b := wire.Pool.Get(8192); cap(*b) < 8192 {
		t.Errorf("a foreign buffer of %d bytes came out of the pool", cap(*b))
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(b)
	return b
}
