package crash_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
)

// entry is what a worker knows of a node of its own.
type entry struct {
	id      string
	parent  string
	name    string
	isDir   bool
	trashed bool
	// revisions are those of a file, the newest first. They are never changed in
	// place: what an entry was keeps its own.
	revisions []revision
	// compared tells that its bytes and revisions were read back since they were
	// changed.
	compared bool
}

// at reports whether a node is where another one is, which in the trash is the
// trash.
func (e entry) at(other entry) bool {
	return e.trashed == other.trashed && (e.trashed || e.parent == other.parent && e.name == other.name)
}

// sha256 is the digest of the contents of a file.
func (e entry) sha256() string { return e.revisions[0].SHA256 }

// worker changes a folder of its own, and knows exactly what must be in it:
// each change was acknowledged, or is repeated under its request id until it is.
type worker struct {
	c      *client
	top    string // id
	path   string
	random *rand.Rand
	nodes  map[string]entry // by id
	names  int
	// doing is the change under way, nil between changes.
	doing atomic.Pointer[step]
	// repaired waits until the service is back.
	repaired func(context.Context) error
}

// step makes one change.
func (w *worker) step(ctx context.Context) error {
	c := w.choose()
	key := fmt.Sprintf("%s-%d", w.path[1:], w.random.Uint64())
	defer w.doing.Store(nil)
	var err error
	for range maxTries {
		at := &step{kind: c.kind}
		w.doing.Store(at)
		var r resource
		r, err = c.send(ctx, key, at)
		w.doing.Store(nil)
		if err == nil {
			c.took(r)
			at.came.Store(ptr("acknowledged"))
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, errUnknown) {
			return fmt.Errorf("%s: %w", c.kind, err)
		}
		if err := w.repaired(ctx); err != nil {
			return err
		}
		happened, err := c.happened(ctx)
		switch {
		case errors.Is(err, errUnknown):
		case err != nil:
			return fmt.Errorf("%s, outcome unknown: %w", c.kind, err)
		case happened:
			at.came.Store(ptr("had happened"))
		default:
			at.came.Store(ptr("had not happened"))
		}
	}
	return fmt.Errorf("%s, sent %d times: %w", c.kind, maxTries, err)
}

// maxTries is more than any change needs. A kill takes one answer, or a few
// where commits are given up early.
const maxTries = 50

func ptr(s string) *string { return &s }

// maxNodes bounds what a worker has, so that comparing it all stays cheap.
const maxNodes = 30

// choose makes up a change that must succeed.
func (w *worker) choose() change {
	for {
		n := w.random.IntN(100)
		if len(w.nodes) > maxNodes {
			n = 84 + n*16/100 // rather away with something
		}
		switch {
		case n < 28:
			return w.putNew()
		case n < 42:
			if e, ok := w.any(w.liveFile); ok {
				return w.overwrite(e)
			}
		case n < 47:
			return w.uploadNew()
		case n < 52:
			if e, ok := w.any(w.liveFile); ok {
				return w.uploadOver(e)
			}
		case n < 58:
			return w.makeDir()
		case n < 74:
			if e, ok := w.any(w.live); ok {
				return w.move(e)
			}
		case n < 79:
			if e, ok := w.any(w.hasHistory); ok {
				return w.restoreRevision(e)
			}
		case n < 84:
			if e, ok := w.any(w.hasHistory); ok {
				return w.deleteRevision(e)
			}
		case n < 90:
			if e, ok := w.any(w.live); ok {
				return w.trash(e)
			}
		case n < 94:
			if e, ok := w.any(func(e entry) bool { return e.trashed }); ok {
				return w.restore(e)
			}
		default:
			if e, ok := w.any(func(e entry) bool { return e.trashed }); ok {
				return w.purge(e)
			}
		}
	}
}

// placed takes in where a node is now. What is below it came along, and is to be
// compared again.
func (w *worker) placed(e entry) {
	e.compared = false
	w.nodes[e.id] = e
	for _, below := range slices.Collect(maps.Values(w.nodes)) {
		if below.parent == e.id && !below.trashed {
			w.placed(below)
		}
	}
}

// forget removes a node and what is below it, but not what was moved from there
// to the trash before: that is a root of the trash by itself.
func (w *worker) forget(id string) {
	delete(w.nodes, id)
	for _, e := range slices.Collect(maps.Values(w.nodes)) {
		if e.parent == id && !e.trashed {
			w.forget(e.id)
		}
	}
}

// any picks a node.
func (w *worker) any(want func(entry) bool) (entry, bool) {
	var found []entry
	for _, e := range w.nodes {
		if want(e) {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return entry{}, false
	}
	slices.SortFunc(found, func(a, b entry) int { return strings.Compare(a.id, b.id) })
	return found[w.random.IntN(len(found))], true
}

// live reports whether a node can be reached.
func (w *worker) live(e entry) bool {
	for !e.trashed {
		if e.parent == w.top {
			return true
		}
		e = w.nodes[e.parent]
	}
	return false
}

func (w *worker) liveFile(e entry) bool { return !e.isDir && w.live(e) }

// folder picks a folder that can be reached and does not lie in a node.
func (w *worker) folder(outside string) string {
	e, ok := w.any(func(e entry) bool {
		if !e.isDir || !w.live(e) {
			return false
		}
		for ; e.id != ""; e = w.nodes[e.parent] {
			if e.id == outside {
				return false
			}
		}
		return true
	})
	if !ok || w.random.IntN(3) == 0 {
		return w.top
	}
	return e.id
}

func (w *worker) pathOf(folder string) string {
	if folder == w.top {
		return w.path
	}
	e := w.nodes[folder]
	return w.pathOf(e.parent) + "/" + e.name
}

// verify compares everything that was acknowledged with what is there; bytes and
// revisions that were compared before and not changed since, only when asked for
// all.
func (w *worker) verify(ctx context.Context, all bool) error {
	seen := map[string]bool{}
	if err := w.verifyFolder(ctx, w.top, seen, all); err != nil {
		return err
	}
	for id, e := range w.nodes {
		if w.live(e) && !seen[id] {
			return fmt.Errorf("lost: %s %s", w.pathOf(e.parent)+"/"+e.name, id)
		}
	}
	return nil
}

func (w *worker) verifyFolder(ctx context.Context, folder string, seen map[string]bool, all bool) error {
	there, err := w.c.list(ctx, url.Values{"folder": {folder}})
	if err != nil {
		return err
	}
	for _, r := range there {
		e, known := w.nodes[r.Name]
		if !known || e.trashed || e.parent != folder || e.name != r.DisplayName || e.isDir != (r.Kind == "FOLDER") {
			return fmt.Errorf("%s is there as %q in %s, but known is %+v", r.Name, r.DisplayName, folder, e)
		}
		seen[r.Name] = true
		if e.isDir {
			if err := w.verifyFolder(ctx, r.Name, seen, all); err != nil {
				return err
			}
			continue
		}
		if r.SHA256 != e.sha256() {
			return fmt.Errorf("%s says %s, but %s was acknowledged", r.Name, r.SHA256, e.sha256())
		}
		if e.compared && !all {
			continue
		}
		if err := w.verifyRevisions(ctx, e); err != nil {
			return err
		}
		content, err := w.c.get(ctx, w.pathOf(folder)+"/"+e.name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != e.sha256() {
			return fmt.Errorf("%s has the bytes %s, but %s was acknowledged", r.Name, got, e.sha256())
		}
		e.compared = true
		w.nodes[r.Name] = e
	}
	return nil
}

// clear removes for good all that the worker has made.
func (w *worker) clear(ctx context.Context) error {
	_, err := w.c.call(ctx, http.MethodDelete, w.top, "", nil)
	gone := []string{w.top}
	for id, e := range w.nodes {
		if e.trashed {
			gone = append(gone, id)
		}
	}
	for _, id := range gone {
		if err == nil {
			_, err = w.c.call(ctx, http.MethodPost, id+":purge", "", map[string]string{})
		}
	}
	return err
}
