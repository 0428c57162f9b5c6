package tabletest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// testContext: a call whose context has ended returns the context's error.
func testContext(t *testing.T, s *suite) {
	key := s.key(t, "sort")
	s.commit(t, table.Put(table.Item{Key: key, Tag: "before"}, table.Any))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	for want, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late} {
		calls := map[string]func() error{
			"Get":   func() error { _, err := s.Get(ctx, key); return err },
			"Query": func() error { _, err := s.Query(ctx, table.Query{Partition: key.Partition, Limit: 1}); return err },
			"Scan":  func() error { _, err := s.Scan(ctx, "", 1); return err },
			"Commit": func() error {
				return s.Commit(ctx, []table.Write{table.Put(table.Item{Key: key}, table.IfTag("never"))})
			},
		}
		for name, call := range calls {
			t.Run(name+" "+want.Error(), func(t *testing.T) {
				if err := call(); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			})
		}
	}
	s.has(t, table.Item{Key: key, Tag: "before"})
}
