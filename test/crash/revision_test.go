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
