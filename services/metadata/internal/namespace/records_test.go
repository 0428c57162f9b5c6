package namespace_test

import (
	"iter"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// records are all items of the table.
func (w *world) records() iter.Seq[table.Item] {
	return func(yield func(table.Item) bool) {
		w.t.Helper()
		for next := ""; ; {
			page, err := w.table.Scan(w.ctx, next, 1000)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, item := range page.Items {
				if !yield(item) {
					return
				}
			}
			if next = page.Next; next == "" {
				return
			}
		}
	}
}

// auditPages are what an audit tells, of so many records at a time.
func (w *world) auditPages(req *ledgerv1.AuditRequest) iter.Seq[*ledgerv1.AuditResponse] {
	return func(yield func(*ledgerv1.AuditResponse) bool) {
		w.t.Helper()
		for {
			page, err := w.Audit(w.ctx, req)
			if err != nil {
				w.t.Fatal(err)
			}
			if !yield(page) {
				return
			}
			if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
				return
			}
		}
	}
}
