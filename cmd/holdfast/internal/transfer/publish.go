package transfer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// publish gives a file its name. Unless it may replace, it fails when the name
// was taken meanwhile; on file systems without hard links a file that appears
// in the very moment is lost.
func publish(to localNode, partial string, replace bool) error {
	if !replace {
		err := to.root.Link(partial, to.rel)
		if err == nil {
			return to.root.Remove(partial)
		}
		if errors.Is(err, fs.ErrExist) {
			return exists(to.shown())
		}
		if _, err := to.root.Lstat(to.rel); err == nil {
			return exists(to.shown())
		}
	}
	return to.root.Rename(partial, to.rel)
}

// flush writes a file or folder to disk. Only what replaces something is worth
// the wait: who loses a new file with the power has lost nothing that is not on
// the server, and a tree of many small files would take many times as long.
func (g *Get) flush(f *os.File) error {
	if g.sync != nil {
		return g.sync(f)
	}
	return f.Sync()
}

// flushFolder writes the folder of a node to disk, where its file system does
// that and it may be read: else the name leads to the old file or the new one
// after a loss of power, and either is whole.
func (g *Get) flushFolder(of localNode) error {
	folder, err := of.root.Open(filepath.Dir(of.rel))
	if err == nil {
		err = errors.Join(g.flush(folder), folder.Close())
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}
