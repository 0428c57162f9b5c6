package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// revision is one content of a file.
type revision struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// maxRevisions is more than a file of a worker ever has, and fits on one page.
const maxRevisions = 1000

// revisions returns those of a file, the newest first.
func (c *client) revisions(ctx context.Context, file string) ([]revision, error) {
	got, err := c.do(ctx, http.MethodGet, fmt.Sprintf("%s/revisions?pageSize=%d", file, maxRevisions), "", nil)
	if err != nil {
		return nil, err
	}
	var page struct{ Revisions []revision }
	return page.Revisions, json.Unmarshal(got, &page)
}

// verifyRevisions compares the revisions of a file with those that were
// acknowledged. A request that was repeated because its answer was lost has
// made one, like any other, and what was not acknowledged has made none.
func (w *worker) verifyRevisions(ctx context.Context, e entry) error {
	there, err := w.c.revisions(ctx, e.id)
	if err != nil {
		return err
	}
	if !slices.Equal(there, e.revisions) {
		return fmt.Errorf("%s has the revisions %v, but %v were acknowledged", e.id, there, e.revisions)
	}
	return nil
}

// hasHistory reports whether a file that can be reached has older revisions.
func (w *worker) hasHistory(e entry) bool { return len(e.revisions) > 1 && w.live(e) }

// older picks one of the older revisions of a file, by its place.
func (w *worker) older(e entry) int { return 1 + w.random.IntN(len(e.revisions)-1) }

func (w *worker) restoreRevision(e entry) change {
	old := e.revisions[w.older(e)]
	is := e
	return change{
		kind: "restore revision",
		send: func(ctx context.Context, key string, _ *step) (resource, error) {
			return w.c.call(ctx, http.MethodPost, old.Name+":restore", key, map[string]string{})
		},
		took: func(r resource) {
			is.revisions = slices.Concat([]revision{{r.Revision, old.SHA256}}, e.revisions)
			w.placed(is)
		},
		happened: w.revised(e, func(there []revision) bool {
			return len(there) == len(e.revisions)+1 && there[0].SHA256 == old.SHA256 && slices.Equal(there[1:], e.revisions)
		}),
	}
}

func (w *worker) deleteRevision(e entry) change {
	i := w.older(e)
	is := e
	is.revisions = slices.Delete(slices.Clone(e.revisions), i, i+1)
	return change{
		kind: "delete revision",
		send: func(ctx context.Context, key string, _ *step) (resource, error) {
			return w.c.call(ctx, http.MethodDelete, e.revisions[i].Name, key, nil)
		},
		took:     func(resource) { w.placed(is) },
		happened: w.revised(e, func(there []revision) bool { return slices.Equal(there, is.revisions) }),
	}
}

// revised tells by the revisions that a file has whether a change of them, after
// which they look so, has happened.
func (w *worker) revised(e entry, changed func(there []revision) bool) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		there, err := w.c.revisions(ctx, e.id)
		switch {
		case err != nil:
			return false, err
		case slices.Equal(there, e.revisions):
			return false, nil
		case changed(there):
			return true, nil
		}
		return false, fmt.Errorf("%s has the revisions %v; they come of no change of %v", e.id, there, e.revisions)
	}
}
