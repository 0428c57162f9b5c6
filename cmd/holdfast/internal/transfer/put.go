package transfer

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/progress"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// Put copies local files and folders into a space.
type Put struct {
	Client *api.Client
	// Jobs is how many files are sent at the same time.
	Jobs int
	// Recursive allows folders, with all that is in them.
	Recursive bool
	// Existing says what to do with a file that is in the space already.
	Existing Existing
	// SameOnly skips files that are there with the same contents.
	SameOnly bool
	// NFC gives names that are not in Unicode normal form C that form; else
	// their files fail, because they would come back under another name.
	NFC bool
	// ContentType is the media type of every file; the server chooses one by
	// the name when it is empty.
	ContentType string
	// Unfinished is a folder for the URLs of large uploads, so that another run
	// goes on with them; none does when it is empty.
	Unfinished string
	// Forgetful is told, once, why URLs cannot be kept there. The uploads go on,
	// but another run will not go on with them.
	Forgetful func(error)
	// Report is told the outcome of each item, one call at a time.
	Report func(Item)
	// Meter is told how far it has come.
	Meter *progress.Meter

	forgotten sync.Once
}

// Existing says what to do with a file that is at its destination already.
type Existing int

const (
	// Replace writes over it; in a space the old contents stay as a revision.
	// Locally nothing but files is replaced: no links, devices and the like.
	Replace Existing = iota
	// Refuse lets the item fail.
	Refuse
	// Keep skips the item.
	Keep
)

// Stdin is the source that stands for a stream without a length.
const Stdin = "-"

// Run copies sources to a destination the way cp does: into it when it is a
// folder, ends in a slash or when there are several sources; else under its
// name. The contents of a folder, rather than the folder, are copied when the
// source ends in "/." or is "." or "..". With sameOnly, files that have the
// same contents are skipped.
//
// It returns an error when nothing could begin or when it stopped early; what
// became of each item is told to Report.
func (p *Put) Run(ctx context.Context, sources []string, destination string) error {
	to, err := p.destination(ctx, destination, len(sources) > 1)
	if err != nil {
		return err
	}
	run := &putRun{Put: p, pool: newPool(ctx, p.Jobs, p.Report)}
	defer run.close()
	for _, source := range sources {
		run.start(source, to)
	}
	return run.pool.wait(p.Meter.Known)
}

// Stream copies a stream of unknown length to a path. It can't be repeated
// when it fails midway.
func (p *Put) Stream(ctx context.Context, source io.Reader, destination string) error {
	to, err := p.destination(ctx, destination, false)
	if err != nil {
		return err
	}
	if to.into {
		return fault.New(fault.Conflict.Reason, "%s is a folder; the file needs a name", to.path)
	}
	item := Item{Kind: api.KindFile, Local: Stdin, Remote: string(to.path)}
	p.Meter.Expect(0)
	u := api.Upload{
		Path: to.path, SizeBytes: -1, Once: true,
		Body: func() io.Reader { return source },
	}
	p.describe(&u)
	stored, err := p.Client.Upload(ctx, u)
	item = p.outcome(item, stored, err)
	if ctx.Err() == nil {
		p.Report(item)
	}
	return ctx.Err()
}

// remoteTarget is where something is put.
type remoteTarget struct {
	path api.Path
	node *api.Node // what is there, nil for nothing
	into bool      // items keep their names and go into the folder
}

func (p *Put) destination(ctx context.Context, text string, several bool) (remoteTarget, error) {
	path, err := api.ParsePath(text)
	if err != nil {
		return remoteTarget{}, err
	}
	to := remoteTarget{path: path, into: several || strings.HasSuffix(text, "/")}
	to.node, err = p.Client.Lookup(ctx, path)
	switch {
	case missing(err):
		return to, nil
	case err != nil:
		return to, err
	case to.node.IsFolder():
		to.into = true
	case to.into:
		return to, fault.New(fault.Conflict.Reason, "%s is a file", path)
	}
	return to, nil
}

// putRun is one call of Run.
type putRun struct {
	*Put
	pool    *pool
	roots   []*os.Root
	targets map[api.Path]string // local paths by where they go
}

func (r *putRun) close() {
	for _, root := range r.roots {
		_ = root.Close()
	}
}

// start puts one source.
func (r *putRun) start(source string, to remoteTarget) {
	item := Item{Local: source, Remote: string(to.path)}
	name, err := r.sourceName(source, to)
	if err != nil {
		r.pool.done(item.failed(err))
		return
	}
	target := to.path
	if name != "" {
		target = target.Join(name)
		item.Remote = string(target)
	}
	if err := r.take(target, source); err != nil {
		r.pool.done(item.failed(err))
		return
	}
	info, err := os.Stat(source)
	switch {
	case err != nil:
		r.pool.done(item.failed(err))
	case info.Mode().IsRegular():
		r.file(localFile{path: source}, target, info.Size())
	case !info.IsDir():
		r.pool.done(item.left("not a regular file"))
	case !r.Recursive:
		item.Kind = api.KindFolder
		r.pool.done(item.failed(fault.New(fault.Invalid.Reason, "%s is a folder; -r puts it with all that is in it", source)))
	default:
		r.tree(source, target)
	}
}

// sourceName returns the name that a source gets in the destination, "" when
// it becomes the destination itself.
func (r *putRun) sourceName(source string, to remoteTarget) (string, error) {
	name := baseName(source)
	if name == "" || !to.into {
		return "", nil
	}
	return r.remoteName(name)
}

// take notes where a source goes, or fails when another one goes there.
func (r *putRun) take(target api.Path, source string) error {
	if r.targets == nil {
		r.targets = map[api.Path]string{}
	}
	if other, ok := r.targets[target]; ok && other != source {
		return fmt.Errorf("%s goes to %s too", other, target)
	}
	r.targets[target] = source
	return nil
}
