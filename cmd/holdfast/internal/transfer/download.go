package transfer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

const (
	// downloads is how often a download is begun anew because the file was
	// changed meanwhile or came out wrong.
	downloads = 3
	// copyBytes is how much is read and written at a time.
	copyBytes = 128 << 10
)

// get moves a file.
func (r *getRun) get(ctx context.Context, to localNode, node *api.Node, item Item) Item {
	info, err := to.root.Lstat(to.rel)
	same := false
	if err == nil && r.SameOnly && info.Mode().IsRegular() {
		if same, err = r.sameLocally(ctx, to, info.Size(), node); err != nil {
			return item.failed(err)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		item.Outcome = Created
	case err != nil:
		return item.failed(err)
	case info.IsDir():
		return item.failed(fault.New(fault.Exists.Reason, "%s is a folder", item.Local))
	case same:
		r.Meter.Move(node.SizeBytes)
		return item.skipped("same contents")
	case r.Existing == Keep:
		return item.skipped("exists")
	case r.Existing == Refuse:
		return item.failed(exists(item.Local))
	case !info.Mode().IsRegular():
		return item.failed(fault.New(fault.Exists.Reason, "%s is a %s; only files are replaced", item.Local, fileType(info.Mode())))
	default:
		item.Outcome = Replaced
	}
	source := api.Source{Name: node.Name, Revision: r.Revision}
	for attempt := 1; ; attempt++ {
		done, err := r.download(ctx, to, source, item)
		if err == nil {
			return done
		}
		again := errors.Is(err, api.ErrChanged) || fault.ReasonOf(err) == errorsv1.Reason_REASON_DIGEST_MISMATCH
		if !again || attempt == downloads {
			return item.failed(err)
		}
	}
}

func exists(path string) error {
	return fault.New(fault.Exists.Reason, "%s exists; --force replaces it", path)
}

// sameLocally reports whether a local file has the contents that are wanted of a
// node. One that can't be read has not.
func (r *getRun) sameLocally(ctx context.Context, to localNode, sizeBytes int64, node *api.Node) (bool, error) {
	wantBytes, want := node.SizeBytes, node.SHA256
	if r.Revision != "" {
		revision, err := r.Client.Revision(ctx, node, r.Revision)
		if err != nil {
			return false, err
		}
		wantBytes, want = revision.SizeBytes, revision.SHA256
	}
	if sizeBytes != wantBytes || want == "" {
		return false, nil
	}
	file, err := to.root.Open(to.rel)
	if err != nil {
		return false, nil //nolint:nilerr // it is replaced then
	}
	defer func() { _ = file.Close() }()
	sum, err := fileSum(ctx, file)
	return err == nil && hex.EncodeToString(sum) == want, ctx.Err()
}

// download receives contents into a file of another name in the same folder,
// and gives it its name when they are whole and verified.
func (r *getRun) download(ctx context.Context, to localNode, source api.Source, item Item) (_ Item, err error) {
	content, err := r.Client.Open(ctx, source)
	if err != nil {
		return item, err
	}
	defer content.Close()
	// The name has a length of its own, because that of the file may leave no
	// room for more.
	partial := filepath.Join(filepath.Dir(to.rel), ".holdfast-"+rand.Text()[:12]+".part")
	file, err := to.root.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return item, err
	}
	moved := &counter{moved: r.Meter.Move}
	defer func() {
		if err != nil {
			moved.undo()
			_ = to.root.Remove(partial)
		}
	}()
	_, err = io.CopyBuffer(io.MultiWriter(file, moved), struct{ io.Reader }{content}, make([]byte, min(copyBytes, content.SizeBytes+1)))
	if err == nil && item.Outcome == Replaced {
		err = r.flush(file)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return item, err
	}
	if err = publish(to, partial, r.Existing == Replace); err != nil {
		return item, err
	}
	if item.Outcome == Replaced {
		if err = r.flushFolder(to); err != nil {
			return item, fmt.Errorf("it is replaced, but may not stay so without power: %w", err)
		}
	}
	item.SizeBytes, item.SHA256 = content.SizeBytes, hex.EncodeToString(content.Sum())
	if !content.Verifiable {
		item.Note = "not verified: the server knows no sha-256 of it yet"
	}
	return item, nil
}

// counter counts the bytes that are written to it.
type counter struct {
	moved func(int64)
	bytes int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	c.moved(int64(len(p)))
	return len(p), nil
}

func (c *counter) undo() { c.moved(-c.bytes) }
