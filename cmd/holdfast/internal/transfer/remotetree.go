package transfer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// localNode is a place below a folder that nothing is written outside of.
type localNode struct {
	root *os.Root
	rel  string // path below root
	base string // path of root as the user knows it
}

func (n localNode) shown() string { return filepath.Join(n.base, n.rel) }

func (n localNode) join(name string) localNode {
	n.rel = filepath.Join(n.rel, name)
	return n
}

// folder gets what is in a folder. It reads the listing to its end before it
// turns to the folders in it.
func (r *getRun) folder(to localNode, folder *api.Node, path api.Path) {
	for _, sub := range r.entries(to, folder, path) {
		r.pool.walk(func() {
			below, at := to.join(sub.DisplayName), path.Join(sub.DisplayName)
			if r.pool.ctx.Err() == nil && r.makeFolder(below, at) {
				r.folder(below, sub, at)
			}
		})
	}
}

// entries has the files of a folder moved and returns the folders in it.
func (r *getRun) entries(to localNode, folder *api.Node, path api.Path) (subfolders []*api.Node) {
	for node, err := range r.Client.List(r.pool.ctx, folder) {
		if err != nil {
			r.pool.done(Item{Kind: api.KindFolder, Local: to.shown(), Remote: string(path)}.failed(err))
			break
		}
		at := path.Join(node.DisplayName)
		switch err := usable(node.DisplayName); {
		case err != nil:
			r.pool.done(Item{Kind: node.Kind, Local: to.shown(), Remote: string(at)}.failed(err))
		case node.IsFolder():
			subfolders = append(subfolders, &api.Node{Name: node.Name, DisplayName: node.DisplayName})
		default:
			r.file(to.join(node.DisplayName), node, at)
		}
	}
	return subfolders
}

// makeFolder makes a local folder unless it is there, and reports whether it
// is there now.
func (r *getRun) makeFolder(to localNode, path api.Path) bool {
	item := Item{Kind: api.KindFolder, Local: to.shown(), Remote: string(path), Outcome: Created}
	err := to.root.Mkdir(to.rel, 0o777)
	if errors.Is(err, fs.ErrExist) {
		info, statErr := to.root.Stat(to.rel)
		if statErr == nil && info.IsDir() {
			return true
		}
		err = fault.New(fault.Exists.Reason, "%s is not a folder", item.Local)
	}
	if err != nil {
		r.pool.done(item.failed(err))
		return false
	}
	r.pool.done(item)
	return true
}

// file has a file moved.
func (r *getRun) file(to localNode, node *api.Node, path api.Path) {
	r.Meter.Expect(node.SizeBytes)
	r.pool.move(func(ctx context.Context) Item {
		defer r.Meter.Finish()
		return r.get(ctx, to, node, Item{Kind: api.KindFile, Local: to.shown(), Remote: string(path)})
	})
}
