package table

import (
	"fmt"
	"strings"
)

// MaxTagBytes is the length of a tag.
const MaxTagBytes = 128

// maxPage is the largest Limit of a Query and a Scan.
const maxPage = 10_000

// NumberBytes is what a number adds to the size of its item beside its name:
// what the widest engine needs for an int64.
const NumberBytes = 16

// Size returns the size of an item in bytes as MaxItemBytes, MaxCommitBytes
// and MaxPageBytes count it, the same for every adapter.
func Size(i Item) int {
	n := len(i.Key.Partition) + len(i.Key.Sort) + len(i.Value) + len(i.Tag)
	for name := range i.Numbers {
		n += len(name) + NumberBytes
	}
	return n
}

// After returns the smallest sort key behind sort: the From of the Query that
// continues a page.
func After(sort string) string { return sort + "\x01" }

// CheckKey returns ErrInvalid for a key outside of the limits.
func CheckKey(k Key) error {
	if err := checkPartition(k.Partition); err != nil {
		return err
	}
	switch {
	case k.Sort == "":
		return invalid("empty sort key")
	case len(k.Sort) > MaxSortBytes:
		return invalid("sort key of %d bytes", len(k.Sort))
	case strings.IndexByte(k.Sort, 0) >= 0:
		return invalid("NUL in sort key %q", k.Sort)
	}
	return nil
}

// CheckWrites returns ErrInvalid for a Commit that breaks the contract.
func CheckWrites(writes []Write) error {
	if len(writes) == 0 || len(writes) > MaxWrites {
		return invalid("commit of %d writes", len(writes))
	}
	size := 0
	for i := range writes {
		w := &writes[i]
		if err := w.check(); err != nil {
			return fmt.Errorf("write %d: %w", i, err)
		}
		for j := range i {
			if writes[j].Item.Key == w.Item.Key {
				return invalid("writes %d and %d name the same item", j, i)
			}
		}
		if w.Op == OpPut {
			size += Size(w.Item)
		} else {
			size += len(w.Item.Key.Partition) + len(w.Item.Key.Sort)
		}
	}
	if size > MaxCommitBytes {
		return invalid("commit of %d bytes", size)
	}
	return nil
}

// CheckQuery returns ErrInvalid for a query outside of the limits. From and To
// may be one byte longer than a sort key, as After makes them.
func CheckQuery(q Query) error {
	if err := checkPartition(q.Partition); err != nil {
		return err
	}
	for _, bound := range [...]string{q.From, q.To} {
		if len(bound) > MaxSortBytes+1 {
			return invalid("bound of %d bytes", len(bound))
		}
		if strings.IndexByte(bound, 0) >= 0 {
			return invalid("NUL in bound %q", bound)
		}
	}
	return CheckLimit(q.Limit)
}

// CheckLimit returns ErrInvalid for a page of no items or of too many.
func CheckLimit(limit int) error {
	if limit < 1 || limit > maxPage {
		return invalid("page of %d items", limit)
	}
	return nil
}

func checkPartition(p string) error {
	switch {
	case p == "":
		return invalid("empty partition key")
	case len(p) > MaxPartitionBytes:
		return invalid("partition key of %d bytes", len(p))
	case strings.IndexByte(p, 0) >= 0:
		return invalid("NUL in partition key %q", p)
	}
	return nil
}

func (w *Write) check() error {
	if err := CheckKey(w.Item.Key); err != nil {
		return err
	}
	if len(w.Cond.tag) > MaxTagBytes {
		return invalid("condition on a tag of %d bytes", len(w.Cond.tag))
	}
	switch w.Op {
	case OpPut:
		return checkItem(w.Item)
	case OpDelete, OpCheck:
		return nil
	case OpAdd:
		return w.checkAdds()
	}
	return invalid("unknown operation %d", w.Op)
}

func checkItem(i Item) error {
	if len(i.Tag) > MaxTagBytes {
		return invalid("tag of %d bytes", len(i.Tag))
	}
	if _, ok := i.Numbers[""]; ok {
		return invalid("number without a name")
	}
	if !i.Expires.IsZero() && i.Expires.Unix() <= 0 {
		return invalid("expiry %v", i.Expires)
	}
	if n := Size(i); n > MaxItemBytes {
		return invalid("item of %d bytes", n)
	}
	return nil
}

func (w *Write) checkAdds() error {
	if w.Cond.kind != CondNone {
		return invalid("condition on an add")
	}
	if len(w.Adds) == 0 {
		return invalid("add of nothing")
	}
	for i, a := range w.Adds {
		if a.Name == "" {
			return invalid("number without a name")
		}
		for _, b := range w.Adds[:i] {
			if a.Name == b.Name {
				return invalid("number %q added twice", a.Name)
			}
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
