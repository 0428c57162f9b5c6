package crash_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
)

// verifyTrash compares the trash, which all workers share, with what they know
// to be there: nothing else is, so what was purged has not come back. It looks at
// the revisions only when asked for all.
func (h *harness) verifyTrash(ctx context.Context, all bool) error {
	there, err := h.workers[0].c.list(ctx, url.Values{"trashed": {"true"}})
	if err != nil {
		return fmt.Errorf("the trash: %w", err)
	}
	missing := map[string]entry{}
	for _, w := range h.workers {
		maps.Copy(missing, w.nodes)
	}
	maps.DeleteFunc(missing, func(_ string, e entry) bool { return !e.trashed })
	for _, r := range there {
		e, known := missing[r.Name]
		if !known || e.isDir != (r.Kind == "FOLDER") || !e.isDir && r.SHA256 != e.sha256() {
			return fmt.Errorf("in the trash is %+v, but known is %+v", r, e)
		}
		delete(missing, r.Name)
		if e.isDir || !all {
			continue
		}
		if err := h.workers[0].verifyRevisions(ctx, e); err != nil {
			return fmt.Errorf("in the trash: %w", err)
		}
	}
	for id, e := range missing {
		return fmt.Errorf("lost from the trash: %s %+v", id, e)
	}
	return nil
}
