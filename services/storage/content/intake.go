package content

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// intake is the body of an upload on its way to a blob. It yields io.EOF only
// when the body is what the spec announced; so whatever stores it until io.EOF
// stores nothing else. Close it.
type intake struct {
	body   io.Reader
	spec   *storagev1.UploadSpec
	size   int64 // announced, or unknown
	digest *digest
	most   bound

	moved *atomic.Int64 // grows with read
	read  int64
	end   error // io.EOF or what is wrong, once the body has ended
}

func newIntake(spec *storagev1.UploadSpec, body io.Reader, moved *atomic.Int64) *intake {
	return &intake{
		body:   body,
		spec:   spec,
		size:   announcedSize(spec),
		digest: newDigest(len(spec.GetSha512()) != 0),
		moved:  moved,
	}
}

// Read reads from the body and digests what it read.
func (in *intake) Read(p []byte) (int, error) {
	if in.end != nil {
		return 0, in.end
	}
	n, err := in.body.Read(p)
	in.read += int64(n)
	in.moved.Add(int64(n))
	switch {
	case in.size != unknown && in.read > in.size:
		in.end = fault.Invalidf("size_bytes", "%d bytes were announced and more came", in.size)
	case in.read > maxContents:
		in.end = tooLarge()
	case in.most.exceeded(in.read):
		in.end = in.most.error()
	default:
		in.digest.write(p[:n])
		if err != nil {
			in.end = in.ending(err)
		}
		if n > 0 {
			return n, nil // the end can wait for the next call
		}
	}
	return 0, in.end
}

// ending returns what Read yields after the body's last byte.
func (in *intake) ending(err error) error {
	if err != io.EOF { //nolint:errorlint // a wrapped io.EOF is not an end but a failure
		return unreadable(err)
	}
	if in.size != unknown && in.read < in.size {
		return fault.Invalidf("size_bytes", "%d bytes were announced and %d came", in.size, in.read)
	}
	in.digest.close()
	if want := in.spec.GetSha256(); len(want) != 0 && !bytes.Equal(want, in.sha256()) {
		return mismatch("sha256", want, in.sha256())
	}
	if want := in.spec.GetSha512(); len(want) != 0 {
		if got := in.digest.other.Sum(nil); !bytes.Equal(want, got) {
			return mismatch("sha512", want, got)
		}
	}
	return io.EOF
}

// fill reads until p is full or the body has ended, and returns how much it
// read and what is wrong with the body.
func (in *intake) fill(p []byte) (int, error) {
	n := 0
	for n < len(p) && in.end == nil {
		m, _ := in.Read(p[n:]) // in.end tells more than the error
		n += m
	}
	return n, in.failure()
}

// whole reports whether the body has ended and is as announced.
func (in *intake) whole() bool { return errors.Is(in.end, io.EOF) }

// failure returns what is wrong with the body, nil as long as nothing is.
func (in *intake) failure() error {
	if in.whole() {
		return nil
	}
	return in.end
}

// sha256 returns the SHA-256 of a body that is whole.
func (in *intake) sha256() []byte { return in.digest.sha256.Sum(nil) }

func (in *intake) close() { in.digest.close() }

func mismatch(name string, want, got []byte) error {
	e := fault.New(errorsv1.Reason_REASON_DIGEST_MISMATCH, "%s: %x was announced, the contents have %x", name, want, got)
	e.Metadata = map[string]string{"field": name}
	return e
}

// unreadable returns the error of a body that could not be read to its end, in
// the words of whoever gave us the body where it has some.
func unreadable(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Wrap(err, errorsv1.Reason_REASON_INVALID_ARGUMENT, "the contents ended early")
	}
	if e := fault.FromStatus(err); !errors.Is(e, fault.Internal) {
		return e
	}
	return fault.Wrap(err, errorsv1.Reason_REASON_CANCELLED, "the contents could not be read to their end")
}
