// Package memtable is a table in memory, for tests that need many: it is
// there at once and keeps the contract to the letter, tabletest included.
package memtable

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Table implements table.Table. What it hands out is shared with nobody but
// must not be changed, as the port says.
type Table struct {
	now func() time.Time

	mu    sync.Mutex
	items []table.Item // in the order of their keys
}

var _ table.Table = (*Table)(nil)

// New returns an empty table.
func New(now func() time.Time) *Table { return &Table{now: now} }

// Clone returns a table that holds the same items, and goes its own way by a
// clock of its own.
func (t *Table) Clone(now func() time.Time) *Table {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Table{now: now, items: slices.Clone(t.items)}
}

func compare(a, b table.Key) int {
	if a.Partition != b.Partition {
		return strings.Compare(a.Partition, b.Partition)
	}
	return strings.Compare(a.Sort, b.Sort)
}

func (t *Table) find(key table.Key) (int, bool) {
	return sort.Find(len(t.items), func(i int) int { return compare(key, t.items[i].Key) })
}

// copied returns an item that shares nothing with the one given.
func copied(i table.Item) table.Item {
	i.Value, i.Numbers = slices.Clone(i.Value), maps.Clone(i.Numbers)
	if seconds := i.Expires.Truncate(time.Second); i.Expires.After(seconds) {
		i.Expires = seconds.Add(time.Second)
	}
	return i
}

// Get implements table.Table.
func (t *Table) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := cmp.Or(ctx.Err(), table.CheckKey(key)); err != nil {
		return table.Item{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at, found := t.find(key)
	if !found {
		return table.Item{}, table.ErrNotFound
	}
	return copied(t.items[at]), nil
}

// Query implements table.Table.
func (t *Table) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := cmp.Or(ctx.Err(), table.CheckQuery(q)); err != nil {
		return table.Page{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	from, _ := t.find(table.Key{Partition: q.Partition, Sort: q.From})
	if from == len(t.items) || t.items[from].Key.Partition != q.Partition {
		return table.Page{}, nil
	}
	end := table.Key{Partition: q.Partition, Sort: q.To}
	if q.To == "" {
		end = table.Key{Partition: q.Partition + "\x00"}
	}
	to, _ := t.find(end)
	if from >= to {
		return table.Page{}, nil
	}
	run := slices.Clone(t.items[from:to])
	if q.Reverse {
		slices.Reverse(run)
	}
	return page(run, q.Limit), nil
}

// page returns the beginning of a run of items.
func page(run []table.Item, limit int) (p table.Page) {
	size := 0
	for _, item := range run {
		size += table.Size(item)
		if p.More = len(p.Items) == limit || size > table.MaxPageBytes; p.More {
			break
		}
		p.Items = append(p.Items, copied(item))
	}
	return p
}

// Scan implements table.Table. It goes in the order of the keys; Next is the
// last key.
func (t *Table) Scan(ctx context.Context, next string, limit int) (table.Page, error) {
	if err := cmp.Or(ctx.Err(), table.CheckLimit(limit)); err != nil {
		return table.Page{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	from := 0
	if next != "" {
		key, err := cut(next)
		if err != nil {
			return table.Page{}, err
		}
		at, found := t.find(key)
		if from = at; found {
			from++
		}
	}
	p := page(t.items[from:], limit)
	if p.More {
		last := p.Items[len(p.Items)-1].Key
		p.Next = last.Partition + "\x00" + last.Sort
	}
	return p, nil
}

// cut is the inverse of how Scan makes Next of a key.
func cut(next string) (table.Key, error) {
	partition, sort, ok := strings.Cut(next, "\x00")
	if !ok {
		return table.Key{}, fmt.Errorf("%w: %q does not continue a scan", table.ErrInvalid, next)
	}
	return table.Key{Partition: partition, Sort: sort}, nil
}

// Close implements table.Table.
func (t *Table) Close() error { return nil }
