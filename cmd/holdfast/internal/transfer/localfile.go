package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// smallBytes is the size up to which a file is read into memory before it is
// sent: its digest can go ahead of it then, so that the server refuses it when
// it is damaged on the way.
const smallBytes = 256 << 10

// localFile is a file to be put.
type localFile struct {
	root  *os.Root // nil when path is not below one
	path  string
	shown string // path as the user knows it, path when empty
}

func (f localFile) open() (*os.File, error) {
	if f.root != nil {
		return f.root.Open(f.path)
	}
	return os.Open(f.path)
}

func (f localFile) name() string {
	if f.shown != "" {
		return f.shown
	}
	return f.path
}

// put moves a file.
func (r *putRun) put(ctx context.Context, local localFile, target api.Path) Item {
	defer r.Meter.Finish()
	item := Item{Kind: api.KindFile, Local: local.name(), Remote: string(target)}
	file, err := local.open()
	if err != nil {
		return item.failed(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	switch {
	case err != nil:
		return item.failed(err)
	case !info.Mode().IsRegular():
		return item.left(fileType(info.Mode()))
	}
	if r.SameOnly {
		same, err := r.same(ctx, file, info, target)
		if err != nil {
			return item.failed(err)
		}
		if same {
			r.Meter.Move(info.Size())
			return item.skipped("same contents")
		}
	}
	u, err := steadyUpload(file, info)
	if err != nil {
		return item.failed(err)
	}
	u.Path = target
	if info.Size() >= resumableBytes {
		return r.uploadResumable(ctx, item, u, file, info)
	}
	return r.upload(ctx, item, u)
}

// upload sends contents and returns the item with its outcome.
func (p *Put) upload(ctx context.Context, item Item, u api.Upload) Item {
	p.describe(&u)
	stored, err := p.Client.Upload(ctx, u)
	return p.outcome(item, stored, err)
}

func (p *Put) describe(u *api.Upload) {
	u.ContentType, u.IfAbsent, u.Moved = p.ContentType, p.Existing != Replace, p.Meter.Move
}

// outcome returns an item with what became of its upload.
func (p *Put) outcome(item Item, stored *api.Stored, err error) Item {
	if err != nil {
		if p.Existing == Keep && errors.Is(err, fault.Precondition) {
			return item.skipped("exists")
		}
		return item.failed(err)
	}
	item.Outcome = Replaced
	if stored.Created {
		item.Outcome = Created
	}
	item.SizeBytes, item.SHA256 = stored.Node.SizeBytes, stored.Node.SHA256
	return item
}

// same reports whether the file at the target has the contents of a local one.
func (r *putRun) same(ctx context.Context, file *os.File, info fs.FileInfo, target api.Path) (bool, error) {
	node, err := r.Client.Lookup(ctx, target)
	if missing(err) {
		return false, nil
	}
	if err != nil || node.IsFolder() || node.SizeBytes != info.Size() {
		return false, err
	}
	sum, err := fileSum(file)
	if err != nil {
		return false, err
	}
	_, err = file.Seek(0, io.SeekStart)
	return sum == node.SHA256, err
}

// fileSum returns the SHA-256 of a file in lower-case hexadecimal.
func fileSum(file *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// steadyUpload returns the upload of a file that must not change meanwhile.
func steadyUpload(file *os.File, info fs.FileInfo) (api.Upload, error) {
	u := api.Upload{SizeBytes: info.Size()}
	if info.Size() > smallBytes {
		u.Body = func() io.Reader {
			return &steadyReader{file: file, info: info, section: io.NewSectionReader(file, 0, info.Size())}
		}
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

// steadyReader reads a file and withholds its last bytes when it was changed
// since, so that the upload is not completed.
type steadyReader struct {
	file    *os.File
	info    fs.FileInfo
	section *io.SectionReader
	read    int64
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

// changed reports whether a file was written since info was taken.
func changed(file *os.File, info fs.FileInfo) bool {
	now, err := file.Stat()
	return err != nil || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime())
}

// missing reports whether there is nothing at a path.
func missing(err error) bool { return errors.Is(err, fault.NotFound) }
