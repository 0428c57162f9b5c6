package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
)

// batchEntries is how many entries of a local folder are read at a time.
const batchEntries = 512

// localFolder is a local folder and the folder that it is copied to.
type localFolder struct {
	root   *os.Root
	rel    string // path below root
	shown  string // path as the user knows it
	remote *api.Node
	path   api.Path // of remote
}

// tree puts a local folder with all that is in it.
func (r *putRun) tree(source string, target api.Path) {
	item := Item{Kind: api.KindFolder, Local: source, Remote: string(target)}
	root, err := os.OpenRoot(source)
	if err != nil {
		r.pool.done(item.failed(err))
		return
	}
	r.roots = append(r.roots, root)
	remote, made, err := r.Client.EnsureFolder(r.pool.ctx, target)
	if err != nil {
		r.pool.done(item.failed(err))
		return
	}
	if len(made) > 0 {
		item.Outcome = Created
		r.pool.done(item)
	}
	f := localFolder{root: root, rel: ".", shown: filepath.Clean(source), remote: remote, path: target}
	r.pool.walk(func() { r.folder(f) })
}

// folder puts what is in a folder. It reads the folder to its end before it
// turns to the folders in it, so that few are open at a time.
func (r *putRun) folder(f localFolder) {
	subfolders, err := r.entries(f)
	if err != nil {
		r.pool.done(Item{Kind: api.KindFolder, Local: f.shown, Remote: string(f.path)}.failed(err))
	}
	for _, name := range subfolders {
		r.pool.walk(func() { r.subfolder(f, name) })
	}
}

// entries has the files of a folder moved and returns the names of the folders.
func (r *putRun) entries(f localFolder) (subfolders []string, err error) {
	dir, err := f.root.Open(f.rel)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	for r.pool.ctx.Err() == nil {
		batch, err := dir.ReadDir(batchEntries)
		for _, entry := range batch {
			if r.entry(f, entry.Name()) {
				subfolders = append(subfolders, entry.Name())
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return subfolders, err
		}
	}
	return subfolders, nil
}

// entry deals with one entry of a folder; it reports whether it is a folder.
func (r *putRun) entry(f localFolder, local string) (folder bool) {
	rel := filepath.Join(f.rel, local)
	item := Item{Local: filepath.Join(f.shown, local)}
	info, err := f.root.Lstat(rel)
	if err != nil {
		r.pool.done(item.failed(err))
		return false
	}
	switch info.Mode().Type() {
	case 0, fs.ModeDir:
	default:
		r.pool.done(item.left(fileType(info.Mode())))
		return false
	}
	name, err := r.entryName(f, local, info)
	switch {
	case err != nil:
		r.pool.done(item.failed(err))
		return false
	case info.IsDir():
		return true
	}
	r.file(localFile{root: f.root, path: rel, shown: item.Local}, f.path.Join(name), info.Size())
	return false
}

// subfolder puts a folder in a folder. It is made explicitly, because it may
// be empty, and before its files, because so they don't race to make it.
func (r *putRun) subfolder(in localFolder, local string) {
	if r.pool.ctx.Err() != nil {
		return
	}
	name, _ := r.remoteName(local) // was checked
	f := localFolder{
		root:  in.root,
		rel:   filepath.Join(in.rel, local),
		shown: filepath.Join(in.shown, local),
		path:  in.path.Join(name),
	}
	item := Item{Kind: api.KindFolder, Local: f.shown, Remote: string(f.path)}
	remote, created, err := r.Client.EnsureChild(r.pool.ctx, in.remote, f.path, name)
	if err != nil {
		r.pool.done(item.failed(err))
		return
	}
	if created {
		item.Outcome = Created
		r.pool.done(item)
	}
	f.remote = remote
	r.folder(f)
}

// remoteName returns what a local name is in the space, or why it can't be.
func (r *putRun) remoteName(local string) (string, error) {
	name := local
	if r.NFC {
		name = norm.NFC.String(local)
	}
	err := api.CheckName(name)
	if errors.Is(err, api.ErrNotNFC) {
		err = fmt.Errorf("%w and would come back as another; --nfc accepts that", err)
	}
	return name, err
}

// entryName is remoteName for an entry of a folder: it fails when another
// entry has the same name in the space.
func (r *putRun) entryName(f localFolder, local string, info fs.FileInfo) (string, error) {
	name, err := r.remoteName(local)
	if err != nil || name == local {
		return name, err
	}
	// A file system that knows no normal forms finds the same file by both.
	other, err := f.root.Lstat(filepath.Join(f.rel, name))
	if err == nil && !os.SameFile(info, other) {
		return "", fmt.Errorf("another file is called %q in Unicode normal form C", name)
	}
	return name, nil
}

// file has a file moved.
func (r *putRun) file(file localFile, target api.Path, sizeBytes int64) {
	r.Meter.Expect(sizeBytes)
	r.pool.move(func(ctx context.Context) Item { return r.put(ctx, file, target) })
}

// baseName returns the name of a source, "" when its contents are meant.
func baseName(source string) string {
	if strings.HasSuffix(filepath.ToSlash(source), "/.") {
		return ""
	}
	switch name := filepath.Base(source); name {
	case ".", "..", string(filepath.Separator):
		return ""
	default:
		return name
	}
}

// fileType names a type of file that has no contents to be put.
func fileType(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "not a regular file"
}
