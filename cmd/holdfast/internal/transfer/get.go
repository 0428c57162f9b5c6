package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/progress"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// Get copies files and folders of a space into the local file system. A file
// appears under its name only when it is whole and verified. One that replaces
// another is on disk before, so that a loss of power leaves either of them.
type Get struct {
	Client *api.Client
	// Jobs is how many files are received at the same time.
	Jobs int
	// Recursive allows folders, with all that is in them.
	Recursive bool
	// Existing says what to do with a file that is there locally already.
	Existing Existing
	// SameOnly skips files that are there with the same contents.
	SameOnly bool
	// Revision is the id of the revision to get of a single file; the current
	// one when empty.
	Revision string
	// Report is told the outcome of each item, one call at a time.
	Report func(Item)
	// Meter is told how far it has come.
	Meter *progress.Meter

	sync func(*os.File) error // (*os.File).Sync when nil
}

// Run copies sources to a local destination the way cp does: into it when it
// is a folder, ends in a slash or when there are several sources; else under
// its name. The contents of a folder, rather than the folder, are copied when
// the source ends in "/." or is "/".
//
// It returns an error when nothing could begin or when it stopped early; what
// became of each item is told to Report.
func (g *Get) Run(ctx context.Context, sources []string, destination string) error {
	to, err := localDestination(destination, len(sources) > 1)
	if err != nil {
		return err
	}
	run := &getRun{Get: g, pool: newPool(ctx, g.Jobs, g.Report)}
	defer run.close()
	for _, source := range sources {
		if run.pool.ctx.Err() == nil {
			run.start(source, to)
		}
	}
	return run.pool.wait(g.Meter.Known)
}

// localTarget is where something is got to.
type localTarget struct {
	path   string
	exists bool // as a folder
	into   bool // items keep their names and go into the folder
}

func localDestination(path string, several bool) (localTarget, error) {
	to := localTarget{path: path, into: several || os.IsPathSeparator(path[len(path)-1])}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return to, err
	case info.IsDir():
		to.exists, to.into = true, true
	case to.into:
		return to, fault.New(fault.Exists.Reason, "%s is not a folder", path)
	}
	return to, nil
}

// getRun is one call of Run.
type getRun struct {
	*Get
	pool  *pool
	roots []*os.Root
}

func (r *getRun) close() {
	for _, root := range r.roots {
		_ = root.Close()
	}
}

// start gets one source.
func (r *getRun) start(source string, to localTarget) {
	item := Item{Remote: source}
	node, path, contents, err := r.find(source)
	if err != nil {
		r.pool.done(item.failed(err))
		return
	}
	item.Remote, item.Kind = string(path), node.Kind
	if node.IsFolder() && !r.Recursive {
		r.pool.done(item.failed(fault.New(fault.Invalid.Reason, "%s is a folder; -r gets it with all that is in it", path)))
		return
	}
	target, err := r.target(node, to, contents)
	if err != nil {
		r.pool.done(item.failed(err))
		return
	}
	if !node.IsFolder() {
		r.file(target, node, path)
		return
	}
	if target.rel != "." && !r.makeFolder(target, path) {
		return
	}
	r.pool.walk(func() { r.folder(target, node, path) })
}

// find looks up a source; contents says that what is in it is meant.
func (r *getRun) find(source string) (node *api.Node, path api.Path, contents bool, err error) {
	text := source
	if strings.HasSuffix(text, "/.") {
		text, contents = strings.TrimSuffix(text, "."), true
	}
	if path, err = api.ParsePath(text); err != nil {
		return nil, "", false, err
	}
	if node, err = r.Client.Lookup(r.pool.ctx, path); err != nil {
		return nil, path, false, err
	}
	if contents && !node.IsFolder() {
		return nil, path, false, fault.New(fault.Conflict.Reason, "%s is a file", path)
	}
	return node, path, contents || path == api.Root, nil
}

// target returns where a node goes, and makes the folder that it goes into.
func (r *getRun) target(node *api.Node, to localTarget, contents bool) (localNode, error) {
	above, rel := to.path, "."
	switch {
	case contents:
	case to.into:
		if err := usable(node.DisplayName); err != nil {
			return localNode{}, err
		}
		rel = node.DisplayName
	default:
		above, rel = filepath.Dir(to.path), filepath.Base(to.path)
	}
	if contents || to.into {
		if err := os.MkdirAll(above, 0o777); err != nil { //nolint:gosec // the umask decides, as for mkdir
			return localNode{}, err
		}
	}
	root, err := os.OpenRoot(above)
	if err != nil {
		return localNode{}, err
	}
	r.roots = append(r.roots, root)
	return localNode{root: root, rel: rel, base: above}, nil
}

// usable reports why a name from the server can't be one in the local file
// system, or nil. A usable name never leads out of the folder that it is in.
func usable(name string) error {
	if err := api.CheckName(name); err != nil && !errors.Is(err, api.ErrNotNFC) {
		return fmt.Errorf("the server's name %q can't be used: %w", name, err)
	}
	if local, err := filepath.Localize(name); err != nil || local != name {
		return fmt.Errorf("the name %q is not possible here", name)
	}
	return nil
}
