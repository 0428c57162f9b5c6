package contentgrpc_test

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

func TestRoundTrip(t *testing.T) {
	w := newWorld(t, time.Minute, nil)
	for _, size := range []int{0, 1, 4096, 1 << 20, 1<<20 + 1, 7 << 20} {
		want := data(size)
		resp, err := w.upload(t.Context(), aSpec(), want)
		if err != nil {
			t.Fatalf("upload of %d bytes: %v", size, err)
		}
		if resp.GetFile().GetSizeBytes() != int64(size) {
			t.Errorf("upload of %d bytes: %v", size, resp)
		}
		header, got, err := w.download(t.Context(), request())
		if err != nil || !bytes.Equal(got, want) || header.GetOutcome() != storagev1.DownloadHeader_FULL {
			t.Errorf("download of %d bytes: %v, %d bytes, %v", size, header, len(got), err)
		}
	}
	want := data(7 << 20)
	req := request()
	req.Ranges = []*storagev1.ByteRange{{Offset: 3 << 20, Length: 2 << 20}, {Offset: 5, Length: 5}, {Offset: -1}}
	header, got, err := w.download(t.Context(), req)
	parts := bytes.Join([][]byte{want[3<<20 : 5<<20], want[5:10], want[7<<20-1:]}, nil)
	if err != nil || !bytes.Equal(got, parts) || header.GetOutcome() != storagev1.DownloadHeader_PARTIAL {
		t.Errorf("ranges: %v, %d bytes, %v", header, len(got), err)
	}
	req = request()
	req.HeaderOnly = true
	if header, got, err = w.download(t.Context(), req); err != nil || len(got) != 0 || header.GetOutcome() != storagev1.DownloadHeader_FULL {
		t.Errorf("header only: %v, %d bytes, %v", header, len(got), err)
	}
	req = request()
	req.Condition = &storagev1.ReadCondition{NoneMatchAny: true}
	if header, got, err = w.download(t.Context(), req); err != nil || len(got) != 0 || header.GetOutcome() != storagev1.DownloadHeader_NOT_MODIFIED {
		t.Errorf("not modified: %v, %d bytes, %v", header, len(got), err)
	}
}

// TestMalformedStreams sends what no client of ours would.
func TestMalformedStreams(t *testing.T) {
	const invalid = errorsv1.Reason_REASON_INVALID_ARGUMENT
	spec := specMessage(aSpec())
	first := chunkMessage(0, data(1000))
	wrongSum := chunkMessage(1000, data(1000))
	wrongSum.GetChunk().Crc32C++
	cases := []struct {
		name     string
		messages []*storagev1.UploadRequest
		want     errorsv1.Reason
	}{
		{"nothing", nil, invalid},
		{"empty message", []*storagev1.UploadRequest{{}}, invalid},
		{"chunk first", []*storagev1.UploadRequest{first, spec}, invalid},
		{"spec without target", []*storagev1.UploadRequest{specMessage(&storagev1.UploadSpec{}), first}, invalid},
		{"spec twice", []*storagev1.UploadRequest{spec, first, spec}, invalid},
		{"spec twice at once", []*storagev1.UploadRequest{spec, spec}, invalid},
		{"gap", []*storagev1.UploadRequest{spec, first, chunkMessage(1001, data(10))}, invalid},
		{"repeated chunk", []*storagev1.UploadRequest{spec, first, first}, invalid},
		{"negative offset", []*storagev1.UploadRequest{spec, chunkMessage(-1, data(10))}, invalid},
		{"does not begin at 0", []*storagev1.UploadRequest{spec, chunkMessage(1, data(10))}, invalid},
		{"empty chunk", []*storagev1.UploadRequest{spec, first, chunkMessage(1000, nil)}, invalid},
		{"wrong crc32c", []*storagev1.UploadRequest{spec, first, wrongSum}, errorsv1.Reason_REASON_DIGEST_MISMATCH},
		{"chunk above 2 MiB", []*storagev1.UploadRequest{spec, chunkMessage(0, data(2<<20+1))}, invalid},
		{"message far above 2 MiB", []*storagev1.UploadRequest{spec, chunkMessage(0, data(3<<20))}, errorsv1.Reason_REASON_TOO_LARGE},
		{"ends early", []*storagev1.UploadRequest{specMessage(sized(1001)), first}, invalid},
		{"goes on", []*storagev1.UploadRequest{specMessage(sized(999)), first}, invalid},
	}
	w := newWorld(t, time.Minute, nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			stream, err := w.client.Upload(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range c.messages {
				if err := stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
			}
			if _, err := stream.CloseAndRecv(); fault.ReasonOf(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			w.settled()
		})
	}
}

// TestClientGone ends the call midway, with and without a word.
func TestClientGone(t *testing.T) {
	for name, size := range map[string]int64{"small": 5000, "large": 10 << 20} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, time.Minute, nil)
			ctx, cancel := context.WithCancel(t.Context())
			stream, err := w.client.Upload(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []*storagev1.UploadRequest{specMessage(sized(size)), chunkMessage(0, data(4000))} {
				if err := stream.Send(m); err != nil {
					t.Fatal(err)
				}
			}
			for w.ledger.Pending() == 0 { // until the server is in the middle of it
				<-time.After(time.Millisecond)
			}
			cancel()
			if _, err := stream.CloseAndRecv(); fault.ReasonOf(err) != errorsv1.Reason_REASON_CANCELLED {
				t.Errorf("got %v", err)
			}
			w.swept()
		})
	}
}

// swept waits until the intent has been given up, whether or not its blob may
// still come, and lets the sweeper do the rest.
func (w *world) swept() {
	w.tb.Helper()
	for w.ledger.Pending() != 0 {
		if w.ledger.SweepDue() > 0 {
			w.ledger.Advance(ledgertest.Grace)
		}
		<-time.After(time.Millisecond)
	}
	w.settled()
}

// TestStalledClient sends a little and then nothing, at each stage.
func TestStalledClient(t *testing.T) {
	cases := map[string][]*storagev1.UploadRequest{
		"before the spec":   nil,
		"before the bytes":  {specMessage(aSpec())},
		"amid a small body": {specMessage(sized(5000)), chunkMessage(0, data(4000))},
		"amid a large body": {specMessage(sized(5 << 20)), chunkMessage(0, data(1<<20))},
	}
	w := newWorld(t, 200*time.Millisecond, nil)
	for name, messages := range cases {
		t.Run(name, func(t *testing.T) {
			stream, err := w.client.Upload(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range messages {
				// io.EOF when the server has lost its patience by now.
				if err := stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
			}
			err = stream.RecvMsg(new(storagev1.UploadResponse)) // the request side stays open
			if fault.ReasonOf(err) != errorsv1.Reason_REASON_DEADLINE_EXCEEDED {
				t.Errorf("got %v", err)
			}
			w.settled()
		})
	}
}

// TestRefusedWhileSending has the ledger refuse an upload whose client goes on
// sending: it gets the reason and not a broken stream.
func TestRefusedWhileSending(t *testing.T) {
	for _, reason := range []errorsv1.Reason{
		errorsv1.Reason_REASON_PRECONDITION_FAILED, errorsv1.Reason_REASON_UNAVAILABLE, errorsv1.Reason_REASON_NOT_FOUND,
	} {
		w := newWorld(t, time.Minute, func(method string) ledgertest.Fault {
			return ledgertest.Fault{Err: fault.New(reason, "no")}
		})
		if _, err := w.upload(t.Context(), aSpec(), data(20<<20)); fault.ReasonOf(err) != reason {
			t.Errorf("upload: got %v, want %v", err, reason)
		}
		if _, _, err := w.download(t.Context(), request()); fault.ReasonOf(err) != reason {
			t.Errorf("download: got %v, want %v", err, reason)
		}
		w.settled()
	}
}

// TestInvitation has a client wait with its body until it is asked for it.
func TestInvitation(t *testing.T) {
	w := newWorld(t, time.Minute, nil)
	stream, err := w.client.Upload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(specMessage(aSpec())); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil { // comes, or the test hangs
		t.Fatal(err)
	}
	if err := stream.Send(chunkMessage(0, data(10))); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CloseAndRecv(); err != nil {
		t.Error(err)
	}
}

// TestDownloadCut loses bytes midway: the client gets what was whole and an
// error, never an end.
func TestDownloadCut(t *testing.T) {
	w := newWorld(t, time.Minute, nil)
	want := data(5 << 20)
	if _, err := w.upload(t.Context(), aSpec(), want); err != nil {
		t.Fatal(err)
	}
	lost := fault.New(errorsv1.Reason_REASON_DATA_LOSS, "checksum")
	w.store.Fault = func(op faultblob.Op, _ blob.ID) faultblob.Fault {
		return faultblob.Fault{Err: lost, After: 3 << 20}
	}
	header, got, err := w.download(t.Context(), request())
	if header == nil || !errors.Is(err, fault.DataLoss) || len(got) >= len(want) || !bytes.HasPrefix(want, got) {
		t.Errorf("got %v, %d bytes, %v", header, len(got), err)
	}
}

// TestDownloadLeft has the client go away midway; the drain at the end of the
// test waits for the handler.
func TestDownloadLeft(t *testing.T) {
	w := newWorld(t, time.Minute, nil)
	if _, err := w.upload(t.Context(), aSpec(), data(30<<20)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := w.client.Download(ctx, request())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	for err == nil {
		_, err = stream.Recv()
	}
	if fault.ReasonOf(err) != errorsv1.Reason_REASON_CANCELLED {
		t.Errorf("got %v", err)
	}
}

func sized(n int64) *storagev1.UploadSpec {
	spec := aSpec()
	spec.SizeBytes = &n
	return spec
}

func chunkMessage(offset int64, b []byte) *storagev1.UploadRequest {
	return &storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Chunk{Chunk: &storagev1.Chunk{
		Offset: offset,
		Crc32C: crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)),
		Data:   b,
	}}}
}
