package transfer

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/internal/fault"
)

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
	u, err := steadyUpload(ctx, file, info)
	if err != nil {
		return item.failed(err)
	}
	u.Path = target
	if info.Size() >= resumableBytes {
		return r.uploadResumable(ctx, item, u, file, info)
	}
	r.describe(&u)
	stored, err := r.Client.Upload(ctx, u)
	return r.outcome(item, stored, blamed(ctx, err, file, u.SHA256))
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
	sum, err := fileSum(ctx, file)
	return hex.EncodeToString(sum) == node.SHA256, err
}

// missing reports whether there is nothing at a path.
func missing(err error) bool { return errors.Is(err, fault.NotFound) }
