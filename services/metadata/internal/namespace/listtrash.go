package namespace

import (
	"context"

	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// trash lists the trash: its shards, each in order, merged.
func (l *listing) trash(ctx context.Context) error {
	if _, err := l.n.head(ctx, l.space); err != nil {
		return err
	}
	l.last = l.from
	shards := make([]shardCursor, record.TrashShards)
	for k := range shards {
		shards[k] = shardCursor{l: l, partition: record.TrashPartition(l.space, k), behind: l.from}
	}
	for examined := 0; ; examined++ {
		next, err := l.first(ctx, shards, maxExamined-examined)
		if err != nil || next == nil {
			return err
		}
		if len(l.files) == l.size || examined == maxExamined {
			l.more = true
			return nil
		}
		if err := l.examine(next.pop(), inTrash); err != nil {
			return err
		}
	}
}

// first returns the shard whose next item comes first, nil when all are done. No
// more than left are examined from there on.
func (l *listing) first(ctx context.Context, shards []shardCursor, left int) (*shardCursor, error) {
	var best *shardCursor
	for k := range shards {
		s := &shards[k]
		if err := s.fill(ctx, left); err != nil {
			return nil, err
		}
		if len(s.items) == 0 {
			continue
		}
		if best == nil || (s.items[0].Key.Sort < best.items[0].Key.Sort) != l.reverse {
			best = s
		}
	}
	return best, nil
}

// shardCursor reads one shard in order, a page at a time.
type shardCursor struct {
	l         *listing
	partition string
	behind    string
	items     []table.Item
	read      int
	done      bool
}

func (s *shardCursor) fill(ctx context.Context, left int) error {
	for len(s.items) == 0 && !s.done {
		want := max(1, min(left, reach(s.l.size, s.read)))
		page, err := s.l.n.table.Query(ctx, s.l.query(s.partition, s.behind, want))
		if err != nil {
			return err
		}
		s.items, s.done = page.Items, !page.More
		s.read += len(page.Items)
		if len(s.items) > 0 {
			s.behind = s.items[len(s.items)-1].Key.Sort
		}
	}
	return nil
}

func (s *shardCursor) pop() table.Item {
	item := s.items[0]
	s.items = s.items[1:]
	return item
}
