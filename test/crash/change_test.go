package crash_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
)

// change is one mutation: it is sent until its outcome is known, then taken
// into what the worker knows.
type change struct {
	kind string
	send func(ctx context.Context, key string, at *step) (resource, error)
	took func(r resource)
	// happened looks at what is there while the outcome is unknown. It is an
	// error when that is neither what was there before nor what is to be.
	happened func(ctx context.Context) (bool, error)
}

// step is how far a change has got. One that was under way when a program was
// killed also says what came of it.
type step struct {
	kind string
	// stage is "sending" until the whole body is on its way.
	stage atomic.Pointer[string]
	// came is what was found right after the kill.
	came atomic.Pointer[string]
}

func (s *step) String() string {
	text := s.kind
	for _, part := range []*string{s.stage.Load(), s.came.Load()} {
		if part != nil {
			text += ", " + *part
		}
	}
	return text
}

func (w *worker) putNew() change {
	w.names++
	return w.write("put", w.folder(""), fmt.Sprintf("f%d", w.names))
}

func (w *worker) overwrite(e entry) change { return w.write("overwrite", e.parent, e.name) }

// write changes the contents of a file, or makes one, with one PUT.
func (w *worker) write(kind, parent, name string) change {
	content := w.content()
	c, path := w.store(kind, parent, name, content), w.pathOf(parent)+"/"+name
	c.send = func(ctx context.Context, key string, at *step) (resource, error) {
		return w.c.put(ctx, path, key, content, at)
	}
	return c
}

// store is a change that gives a file contents, or makes one, but for how it is
// sent.
func (w *worker) store(kind, parent, name string, content []byte) change {
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	path := w.pathOf(parent) + "/" + name
	before, old := "absent", []revision(nil)
	for _, e := range w.nodes {
		if e.parent == parent && e.name == name && !e.trashed {
			before, old = e.sha256(), e.revisions
		}
	}
	return change{
		kind: kind,
		took: func(r resource) {
			w.nodes[r.Name] = entry{
				id: r.Name, parent: parent, name: name, revisions: slices.Concat([]revision{{r.Revision, digest}}, old),
			}
		},
		happened: func(ctx context.Context) (bool, error) {
			got, err := w.c.get(ctx, path)
			seen := "absent"
			if err == nil {
				sum := sha256.Sum256(got)
				seen = hex.EncodeToString(sum[:])
			} else if !isNotFound(err) {
				return false, err
			}
			if seen != before && seen != digest {
				return false, fmt.Errorf("%s is %s; neither what it was (%s) nor what it was to be (%s)", path, seen, before, digest)
			}
			return seen == digest, nil
		},
	}
}

func isNotFound(err error) bool {
	refused := errRefused{}
	return errors.As(err, &refused) && refused.status == http.StatusNotFound
}

// became returns a look at a node: whether it has become what it is to be. A
// node that is neither that nor what it was is an error.
func (w *worker) became(was, is entry) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		r, err := w.c.call(ctx, http.MethodGet, was.id, "", nil)
		if err != nil {
			return false, err
		}
		seen := entry{parent: r.Folder, name: r.DisplayName, trashed: r.DeleteTime != ""}
		switch {
		case seen.at(is):
			return true, nil
		case seen.at(was):
			return false, nil
		}
		return false, fmt.Errorf("%s is %+v; neither what it was (%+v) nor what it was to be (%+v)", was.id, seen, was, is)
	}
}

func (w *worker) makeDir() change {
	w.names++
	parent, name := w.folder(""), fmt.Sprintf("d%d", w.names)
	return change{
		kind: "make folder",
		send: func(ctx context.Context, key string, _ *step) (resource, error) {
			return w.c.call(ctx, http.MethodPost, "spaces/default/files", key,
				map[string]string{"displayName": name, "kind": "FOLDER", "folder": parent})
		},
		took: func(r resource) { w.nodes[r.Name] = entry{id: r.Name, parent: parent, name: name, isDir: true} },
		happened: func(ctx context.Context) (bool, error) {
			there, err := w.c.list(ctx, url.Values{"folder": {parent}})
			return slices.ContainsFunc(there, func(r resource) bool { return r.DisplayName == name }), err
		},
	}
}

func (w *worker) move(e entry) change {
	w.names++
	parent, name := w.folder(e.id), fmt.Sprintf("m%d", w.names)
	kind := "move file"
	if e.isDir {
		kind = "move folder"
	}
	is := e
	is.parent, is.name = parent, name
	return change{
		kind:     kind,
		happened: w.became(e, is),
		send: func(ctx context.Context, key string, _ *step) (resource, error) {
			return w.c.call(ctx, http.MethodPost, e.id+":move", key, map[string]string{"folder": parent, "displayName": name})
		},
		took: func(resource) { w.placed(is) },
	}
}

func (w *worker) trash(e entry) change {
	is := e
	is.trashed = true
	return change{
		kind:     "trash",
		happened: w.became(e, is),
		send: func(ctx context.Context, key string, _ *step) (resource, error) {
			return w.c.call(ctx, http.MethodDelete, e.id, key, nil)
		},
		took: func(resource) { w.placed(is) },
	}
}

func (w *worker) restore(e entry) change {
	w.names++
	parent, name := w.folder(e.id), fmt.Sprintf("r%d", w.names)
	is := e
	is.parent, is.name, is.trashed = parent, name, false
	return change{
		kind:     "undelete",
		happened: w.became(e, is),
		send: func(ctx context.Context, key string, _ *step) (resource, error) {
			return w.c.call(ctx, http.MethodPost, e.id+":undelete", key, map[string]string{"folder": parent, "displayName": name})
		},
		took: func(resource) { w.placed(is) },
	}
}

func (w *worker) purge(e entry) change {
	return change{
		kind: "purge",
		send: func(ctx context.Context, key string, _ *step) (resource, error) {
			return w.c.call(ctx, http.MethodPost, e.id+":purge", key, map[string]string{})
		},
		took: func(resource) { w.forget(e.id) },
		happened: func(ctx context.Context) (bool, error) {
			_, err := w.c.call(ctx, http.MethodGet, e.id, "", nil)
			if isNotFound(err) {
				return true, nil
			}
			return false, err
		},
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
