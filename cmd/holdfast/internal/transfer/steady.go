package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// smallBytes is the size up to which a file is read into memory before it is
// sent, and once only.
const smallBytes = 256 << 10

// steadyUpload returns the upload of a file that must not change meanwhile. Its
// digest goes ahead of it, so that the server makes nothing visible that is
// neither the old file nor the new one, nor damaged on the way.
func steadyUpload(ctx context.Context, file *os.File, info fs.FileInfo) (api.Upload, error) {
	u := api.Upload{SizeBytes: info.Size()}
	if info.Size() > smallBytes {
		sum, err := fileSum(ctx, file)
		if err != nil {
			return u, err
		}
		u.SHA256 = sum
		u.Body = func() io.Reader { return steadyFrom(file, info, 0) }
		return u, nil
	}
	contents := make([]byte, info.Size()+1) // one more, to see whether it grew
	n, err := io.ReadFull(file, contents)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return u, err
	}
	if int64(n) != info.Size() || changed(file, info) {
		return u, api.ErrUnsteady
	}
	contents = contents[:n]
	sum := sha256.Sum256(contents)
	u.SHA256 = sum[:]
	u.Body = func() io.Reader { return bytes.NewReader(contents) }
	return u, nil
}

// blamed returns ErrUnsteady for an upload that the server refused because of its
// digest, when it is the file that has another one by now; else the error.
func blamed(ctx context.Context, err error, file *os.File, announced []byte) error {
	if err == nil || fault.ReasonOf(err) != errorsv1.Reason_REASON_DIGEST_MISMATCH {
		return err
	}
	if sum, sumErr := fileSum(ctx, file); sumErr == nil && !bytes.Equal(sum, announced) {
		return api.ErrUnsteady
	}
	return err
}

// steadyReader reads a file and withholds its last bytes when it was seen to be
// changed since, so that an upload is not completed in vain. What it can't see,
// since the time and the size are the same, is for the digest to find.
type steadyReader struct {
	file    *os.File
	info    fs.FileInfo
	section *io.SectionReader
	read    int64
}

func steadyFrom(file *os.File, info fs.FileInfo, offset int64) io.Reader {
	return &steadyReader{
		file: file, info: info, read: offset,
		section: io.NewSectionReader(file, offset, info.Size()-offset),
	}
}

// Read reads, or fails with api.ErrUnsteady.
func (s *steadyReader) Read(p []byte) (int, error) {
	n, err := s.section.Read(p)
	s.read += int64(n)
	ended := err == io.EOF || s.read == s.info.Size()
	if ended && (s.read != s.info.Size() || changed(s.file, s.info)) {
		return 0, api.ErrUnsteady
	}
	return n, err
}

// changed reports whether a file was seen to be written since info was taken.
func changed(file *os.File, info fs.FileInfo) bool {
	now, err := file.Stat()
	return err != nil || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime())
}

// fileSum returns the SHA-256 of all of a file, wherever it was read to. It ends
// when the context does.
func fileSum(ctx context.Context, file *os.File) ([]byte, error) {
	h := sha256.New()
	all := io.NewSectionReader(file, 0, math.MaxInt64)
	if _, err := io.CopyBuffer(h, &patientReader{ctx, all}, make([]byte, copyBytes)); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// patientReader ends when the context does.
type patientReader struct {
	ctx    context.Context
	source io.Reader
}

// Read reads, or fails with the error of the context.
func (r *patientReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.source.Read(p)
}
