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
	sha256  string
}

// worker changes a folder of its own, and knows exactly what must be in it:
// each change was acknowledged, or is repeated under its request id until it is.
type worker struct {
	c      *client
	top    string // id
	path   string
	random *rand.Rand
	nodes  map[string]entry // by id
	names  int
	// doing is the change under way; "" between changes.
	doing atomic.Value
	// repaired waits until the service is back.
	repaired func(context.Context) error
}

// change is one mutation: it is sent until its outcome is known, then taken
// into what the worker knows.
type change struct {
	kind string
	send func(ctx context.Context, key string) (resource, error)
	took func(r resource)
	// check looks at what is there while the outcome is unknown.
	check func(ctx context.Context) error
}

// step makes one change.
func (w *worker) step(ctx context.Context) error {
	c := w.choose()
	key := fmt.Sprintf("%s-%d", w.path[1:], w.random.Uint64())
	defer w.doing.Store("")
	for {
		w.doing.Store(c.kind)
		r, err := c.send(ctx, key)
		w.doing.Store("")
		if err == nil {
			c.took(r)
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
		if c.check != nil {
			if err := c.check(ctx); err != nil && !errors.Is(err, errUnknown) {
				return fmt.Errorf("%s, outcome unknown: %w", c.kind, err)
			}
		}
	}
}

// choose makes up a change that must succeed.
func (w *worker) choose() change {
	for {
		switch n := w.random.IntN(100); {
		case n < 35:
			return w.putNew()
		case n < 55:
			if e, ok := w.any(func(e entry) bool { return !e.isDir && w.live(e) }); ok {
				return w.overwrite(e)
			}
		case n < 62:
			if len(w.nodes) < 40 {
				return w.makeDir()
			}
		case n < 80:
			if e, ok := w.any(w.live); ok {
				return w.move(e)
			}
		case n < 88:
			if e, ok := w.any(w.live); ok && (len(w.nodes) > 20 || w.random.IntN(4) == 0) {
				return w.trash(e)
			}
		case n < 93:
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

func (w *worker) putNew() change {
	w.names++
	return w.write("put", w.folder(""), fmt.Sprintf("f%d", w.names))
}

func (w *worker) overwrite(e entry) change { return w.write("overwrite", e.parent, e.name) }

func (w *worker) write(kind, parent, name string) change {
	content := w.content()
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	path := w.pathOf(parent) + "/" + name
	before := "absent"
	for _, e := range w.nodes {
		if e.parent == parent && e.name == name && !e.trashed {
			before = e.sha256
		}
	}
	return change{
		kind: kind,
		send: func(ctx context.Context, key string) (resource, error) { return w.c.put(ctx, path, key, content) },
		took: func(r resource) {
			w.nodes[r.Name] = entry{id: r.Name, parent: parent, name: name, sha256: digest}
		},
		check: func(ctx context.Context) error {
			got, err := w.c.get(ctx, path)
			seen := "absent"
			if err == nil {
				sum := sha256.Sum256(got)
				seen = hex.EncodeToString(sum[:])
			} else if refused := (errRefused{}); !errors.As(err, &refused) || refused.status != http.StatusNotFound {
				return err
			}
			if seen != before && seen != digest {
				return fmt.Errorf("%s is %s; neither what it was (%s) nor what it was to be (%s)", path, seen, before, digest)
			}
			return nil
		},
	}
}

func (w *worker) makeDir() change {
	w.names++
	parent, name := w.folder(""), fmt.Sprintf("d%d", w.names)
	return change{
		kind: "make folder",
		send: func(ctx context.Context, key string) (resource, error) {
			return w.c.call(ctx, http.MethodPost, "spaces/default/files", key,
				map[string]string{"displayName": name, "kind": "FOLDER", "folder": parent})
		},
		took: func(r resource) { w.nodes[r.Name] = entry{id: r.Name, parent: parent, name: name, isDir: true} },
	}
}

func (w *worker) move(e entry) change {
	w.names++
	parent, name := w.folder(e.id), fmt.Sprintf("m%d", w.names)
	kind := "move file"
	if e.isDir {
		kind = "move folder"
	}
	return change{
		kind: kind,
		send: func(ctx context.Context, key string) (resource, error) {
			return w.c.call(ctx, http.MethodPost, e.id+":move", key, map[string]string{"folder": parent, "displayName": name})
		},
		took: func(resource) {
			e.parent, e.name = parent, name
			w.nodes[e.id] = e
		},
	}
}

func (w *worker) trash(e entry) change {
	return change{
		kind: "trash",
		send: func(ctx context.Context, key string) (resource, error) {
			return w.c.call(ctx, http.MethodDelete, e.id, key, nil)
		},
		took: func(resource) {
			e.trashed = true
			w.nodes[e.id] = e
		},
	}
}

func (w *worker) restore(e entry) change {
	w.names++
	parent, name := w.folder(e.id), fmt.Sprintf("r%d", w.names)
	return change{
		kind: "undelete",
		send: func(ctx context.Context, key string) (resource, error) {
			return w.c.call(ctx, http.MethodPost, e.id+":undelete", key, map[string]string{"folder": parent, "displayName": name})
		},
		took: func(resource) {
			e.parent, e.name, e.trashed = parent, name, false
			w.nodes[e.id] = e
		},
	}
}

func (w *worker) purge(e entry) change {
	return change{
		kind: "purge",
		send: func(ctx context.Context, key string) (resource, error) {
			return w.c.call(ctx, http.MethodPost, e.id+":purge", key, map[string]string{})
		},
		took: func(resource) { w.forget(e.id) },
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

// content makes up contents: empty, small, and some that are large enough not
// to be packed with others.
func (w *worker) content() []byte {
	size := w.random.IntN(8 << 10)
	switch w.random.IntN(12) {
	case 0:
		size = 0
	case 1, 2:
		size = 100<<10 + w.random.IntN(1500<<10)
	}
	content := make([]byte, size)
	for i := 0; i < size; i += 64 {
		content[i] = byte(w.random.Uint32())
	}
	return content
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

// verify compares everything that was acknowledged with what is there.
func (w *worker) verify(ctx context.Context) error {
	seen := map[string]bool{}
	if err := w.verifyFolder(ctx, w.top, seen); err != nil {
		return err
	}
	for id, e := range w.nodes {
		if w.live(e) && !seen[id] {
			return fmt.Errorf("lost: %s %s", w.pathOf(e.parent)+"/"+e.name, id)
		}
		if e.trashed {
			if _, err := w.c.call(ctx, http.MethodGet, id, "", nil); err != nil {
				return fmt.Errorf("lost from the trash: %s: %w", id, err)
			}
		}
	}
	return nil
}

func (w *worker) verifyFolder(ctx context.Context, folder string, seen map[string]bool) error {
	there, err := w.c.list(ctx, folder)
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
			if err := w.verifyFolder(ctx, r.Name, seen); err != nil {
				return err
			}
			continue
		}
		content, err := w.c.do(ctx, http.MethodGet, r.Name+"/content", "", nil)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != e.sha256 || r.SHA256 != e.sha256 {
			return fmt.Errorf("%s has the bytes %s and says %s, but %s was acknowledged", r.Name, got, r.SHA256, e.sha256)
		}
	}
	return nil
}
