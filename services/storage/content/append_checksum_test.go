package content_test

import (
	"bytes"
	"crypto/sha1"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/content"
)

func checksum(data []byte) func(*storagev1.AppendSpec) {
	digest := sha1.Sum(data)
	return func(s *storagev1.AppendSpec) {
		s.Checksum = &storagev1.Checksum{Algorithm: storagev1.Checksum_SHA1, Value: digest[:]}
	}
}

// TestAppendChecksum covers several extents by one checksum: all or nothing.
func TestAppendChecksum(t *testing.T) {
	for _, how := range []string{"right", "wrong", "cut"} {
		synctest.Test(t, func(t *testing.T) {
			w := newResumableWorld(t, nil)
			data := random(3*testExtent+77, 8)
			upload := w.open(t, int64(len(data)))
			body, want := io.Reader(bytes.NewReader(data)), int64(len(data))
			given := data
			switch how {
			case "wrong":
				given, want = data[1:], 0
			case "cut":
				body, want = io.MultiReader(bytes.NewReader(data[:3*testExtent]), failing{io.ErrUnexpectedEOF}), 0
			}
			_, err := w.append(t.Context(), upload, 0, body, checksum(given))
			if (err == nil) != (how == "right") {
				t.Errorf("%s: %v", how, err)
			}
			w.ledger.Check()
			if got := w.query(t, upload).GetUpload().GetOffsetBytes(); got != want {
				t.Errorf("%s: offset %d, want %d", how, got, want)
			}
			if how != "right" {
				if _, err := w.append(t.Context(), upload, 0, bytes.NewReader(data)); err != nil {
					t.Fatal(err)
				}
			}
			w.holds(t, data)
		})
	}
}

// TestAppendChecksumSlowly sends so slowly under a checksum that what came by then
// is stored each time the time of an extent is over: up to what the ledger keeps at
// once all is well, and what comes after that is refused at once.
func TestAppendChecksumSlowly(t *testing.T) {
	const most = 2000
	for _, size := range []int{most, most + 1, 2 * most} {
		synctest.Test(t, func(t *testing.T) {
			w := newResumableWorld(t, nil)
			data := random(size, 8)
			upload := w.open(t, int64(size))
			w.engine = content.New(content.Config{
				Blobs: w.store, Ledger: w.ledger.Client(nil), Logger: slog.New(slog.DiscardHandler),
				MinExtent: testExtent, ExtentTime: 10 * time.Second, // or the upload expires before
			})
			body := &drops{rest: data, pause: 11 * time.Second}
			_, err := w.append(t.Context(), upload, 0, body, checksum(data))
			offset := w.query(t, upload).GetUpload().GetOffsetBytes()
			switch {
			case size == most && (err != nil || offset != int64(size)):
				t.Errorf("%d extents: %v, offset %d", size, err, offset)
			case size > most && (fault.ReasonOf(err) != errorsv1.Reason_REASON_TOO_LARGE || offset != 0):
				t.Errorf("%d extents: %v, offset %d", size, err, offset)
			case len(body.rest) > max(0, size-most-1), len(body.rest) < size-most-4:
				t.Errorf("%d extents: %d were not read when it was over", size, len(body.rest))
			}
			if size > most {
				if _, err := w.append(t.Context(), upload, 0, bytes.NewReader(data), checksum(data)); err != nil {
					t.Fatal(err)
				}
			}
			w.holds(t, data)
		})
	}
}

// drops is a body that yields a byte at a time, with a pause before each.
type drops struct {
	rest  []byte
	pause time.Duration
}

func (d *drops) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	time.Sleep(d.pause) //nolint:forbidigo // the clock is that of synctest
	n := copy(p[:1], d.rest)
	d.rest = d.rest[n:]
	return n, nil
}
