package memtable

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Commit implements table.Table.
func (t *Table) Commit(ctx context.Context, writes []table.Write) error {
	if err := cmp.Or(ctx.Err(), table.CheckWrites(writes)); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire()
	var failed []int
	results := make([]table.Item, len(writes))
	for i, w := range writes {
		at, found := t.find(w.Item.Key)
		there := table.Item{Key: w.Item.Key}
		if found {
			there = copied(t.items[at])
		}
		holds, err := evaluate(w, &there, found)
		if err != nil {
			return err
		}
		if !holds {
			failed = append(failed, i)
		}
		results[i] = there
	}
	if len(failed) > 0 {
		return &table.ConditionError{Failed: failed}
	}
	for i, w := range writes {
		t.carryOut(w, results[i])
	}
	return nil
}

// evaluate tells whether a write may happen; of an Add it makes the item.
func evaluate(w table.Write, there *table.Item, found bool) (bool, error) {
	if w.Op == table.OpAdd {
		return add(w.Adds, there)
	}
	switch w.Cond.Kind() {
	case table.CondAbsent:
		return !found, nil
	case table.CondPresent:
		return found, nil
	case table.CondTag:
		return found && there.Tag == w.Cond.Tag(), nil
	}
	return true, nil
}

func add(adds []table.Add, there *table.Item) (bool, error) {
	if there.Numbers == nil {
		there.Numbers = map[string]int64{}
	}
	for _, a := range adds {
		n := there.Numbers[a.Name]
		if a.Delta > 0 && n > math.MaxInt64-a.Delta || a.Delta < 0 && n < math.MinInt64-a.Delta {
			return false, table.ErrInvalid
		}
		if n += a.Delta; n < a.Floor {
			return false, nil
		}
		there.Numbers[a.Name] = n
	}
	if table.Size(*there) > table.MaxItemBytes {
		return false, table.ErrInvalid
	}
	return true, nil
}

func (t *Table) carryOut(w table.Write, sum table.Item) {
	at, found := t.find(w.Item.Key)
	item := copied(w.Item)
	switch w.Op {
	case table.OpCheck:
		return
	case table.OpDelete:
		if found {
			t.items = slices.Delete(t.items, at, at+1)
		}
		return
	case table.OpAdd:
		item = sum
	}
	if found {
		t.items[at] = item
		return
	}
	t.items = slices.Insert(t.items, at, item)
}

// expire drops what has expired, so that nobody can rely on its staying.
func (t *Table) expire() {
	now := t.now()
	t.items = slices.DeleteFunc(t.items, func(i table.Item) bool { return !i.Expires.IsZero() && i.Expires.Before(now) })
}
