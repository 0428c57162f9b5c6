package pebbletable

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// keys are buffers for the keys of Get.
var keys = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// Get implements table.Table.
func (t *Table) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := ctx.Err(); err != nil {
		return table.Item{}, err
	}
	if err := table.CheckKey(key); err != nil {
		return table.Item{}, err
	}
	k := keys.Get().(*[]byte)
	defer keys.Put(k)
	*k = appendItemKey((*k)[:0], key)

	if item, ok := t.recent.get(*k); ok {
		return item, nil
	}
	v := t.views.acquire()
	defer t.views.release(v)
	value, closer, err := v.snapshot.Get(*k)
	if errors.Is(err, pebble.ErrNotFound) {
		return table.Item{}, table.ErrNotFound
	}
	if err != nil {
		return table.Item{}, translate(err)
	}
	item, err := decode(key, value)
	if err = errors.Join(err, translate(closer.Close())); err == nil {
		t.recent.put(*k, item, v.committed)
	}
	return item, err
}

// Query implements table.Table. A page is of one view: no commit is seen in
// part.
func (t *Table) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := table.CheckQuery(q); err != nil {
		return table.Page{}, err
	}
	lower, upper := queryBounds(q)
	if bytes.Compare(lower, upper) >= 0 {
		return table.Page{}, ctx.Err()
	}
	sort := len(q.Partition) + 2 // where the sort key begins
	return t.page(ctx, lower, upper, q.Reverse, q.Limit, func(key []byte) (table.Key, bool) {
		return table.Key{Partition: q.Partition, Sort: string(key[sort:])}, true
	})
}

// Scan implements table.Table. It goes in the order of the keys; Next is the
// last key.
func (t *Table) Scan(ctx context.Context, next string, limit int) (table.Page, error) {
	if err := table.CheckLimit(limit); err != nil {
		return table.Page{}, err
	}
	lower := []byte{itemSpace}
	if next != "" {
		if _, ok := splitItemKey([]byte(next)); !ok {
			return table.Page{}, errNext
		}
		lower = append([]byte(next), 0)
	}
	page, err := t.page(ctx, lower, []byte{itemSpace + 1}, false, limit, splitItemKey)
	if page.More {
		last := page.Items[len(page.Items)-1].Key
		page.Next = string(appendItemKey(nil, last))
	}
	return page, err
}

// contextEvery is after how many items a page looks at its context.
const contextEvery = 64

// page reads items between lower and upper until there are limit of them or
// the next one would make the page too large.
func (t *Table) page(
	ctx context.Context, lower, upper []byte, reverse bool, limit int, name func([]byte) (table.Key, bool),
) (page table.Page, err error) {
	if err := ctx.Err(); err != nil {
		return table.Page{}, err
	}
	v := t.views.acquire()
	defer t.views.release(v)
	it, err := v.snapshot.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return table.Page{}, translate(err)
	}
	defer func() {
		if failure := errors.Join(err, translate(it.Close())); failure != nil {
			page, err = table.Page{}, failure
		}
	}()
	first, step := it.First, it.Next
	if reverse {
		first, step = it.Last, it.Prev
	}
	size := 0
	for ok := first(); ok; ok = step() {
		if len(page.Items) == limit {
			page.More = true
			break
		}
		if len(page.Items)%contextEvery == contextEvery-1 && ctx.Err() != nil {
			return page, ctx.Err()
		}
		item, err := current(it, name)
		if err != nil {
			return page, err
		}
		if size += table.Size(item); size > table.MaxPageBytes {
			page.More = true
			break
		}
		page.Items = append(page.Items, item)
	}
	return page, nil // an error of the iterator comes from its Close
}

func current(it *pebble.Iterator, name func([]byte) (table.Key, bool)) (table.Item, error) {
	key, ok := name(it.Key())
	if !ok {
		return table.Item{}, translate(errRecord)
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return table.Item{}, translate(err)
	}
	return decode(key, value)
}

// decode returns the item of a stored record, which it copies.
func decode(key table.Key, stored []byte) (table.Item, error) {
	r, err := parseRecord(bytes.Clone(stored))
	if err != nil {
		return table.Item{}, translate(err)
	}
	return r.item(key), nil
}
