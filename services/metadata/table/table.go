// Package table is metadata's port to its system of record: items under a
// partition key and a sort key, strong reads, ordered queries within one
// partition, and atomic writes of several items under conditions.
//
// The port is what DynamoDB and an ordered key-value store have in common.
// tabletest holds the contract as a suite; every adapter passes it.
package table

import (
	"context"
	"time"
)

// Limits that every adapter enforces, DynamoDB's own.
const (
	MaxWrites         = 100       // writes in one Commit
	MaxCommitBytes    = 4_100_000 // keys and values of one Commit together; DynamoDB counts names too, up to 4 MiB
	MaxItemBytes      = 400_000   // key, value, tag and numbers of one item
	MaxPartitionBytes = 2048      // length of a partition key
	MaxSortBytes      = 1024      // length of a sort key
	MaxPageBytes      = 1 << 20   // a page of Query or Scan is cut before it is larger
)

// Key names an item. Neither part may be empty. Both are arbitrary bytes
// without NUL; sort keys order bytewise.
type Key struct {
	Partition string
	Sort      string
}

// Item is a record.
type Item struct {
	Key Key
	// Value is opaque to the table. An adapter hands out a copy that the caller
	// may keep and must not change.
	Value []byte
	// Tag is what IfTag compares; at most 128 bytes, may be empty.
	Tag string
	// Numbers are counters that Add changes; nil when there are none.
	Numbers map[string]int64
	// Expires, when not zero, lets the table drop the item at any time after
	// it, to the second. Readers must not rely on the drop.
	Expires time.Time
}

// Cond is a condition on the item that a write is about.
type Cond struct {
	kind CondKind
	tag  string
}

// CondKind tells conditions apart.
type CondKind uint8

// Kinds of conditions.
const (
	CondNone CondKind = iota
	CondAbsent
	CondPresent
	CondTag
)

// Conditions.
var (
	// Any holds always.
	Any = Cond{}
	// IfAbsent holds when there is no such item.
	IfAbsent = Cond{kind: CondAbsent}
	// IfPresent holds when there is such an item.
	IfPresent = Cond{kind: CondPresent}
)

// IfTag holds when there is such an item and its tag equals tag.
func IfTag(tag string) Cond { return Cond{kind: CondTag, tag: tag} }

// Kind returns what the condition asks for.
func (c Cond) Kind() CondKind { return c.kind }

// Tag returns the tag that CondTag asks for.
func (c Cond) Tag() string { return c.tag }

// Op tells writes apart.
type Op uint8

// Kinds of writes.
const (
	OpPut    Op = iota + 1 // replaces the whole item
	OpDelete               // removes the item; removing none is no error
	OpCheck                // only the condition
	OpAdd                  // adds to numbers, making the item when there is none
)

// Write is one part of a Commit.
type Write struct {
	Op   Op
	Item Item // of Put; of the others only the Key counts
	Cond Cond // must be Any for Add
	Adds []Add
}

// Add adds Delta to the number Name (0 when absent) under the condition that
// the sum is at least Floor. A negative Delta without a bound has the Floor
// math.MinInt64.
type Add struct {
	Name  string
	Delta int64
	Floor int64
}

// Put returns a write that replaces the item.
func Put(item Item, cond Cond) Write { return Write{Op: OpPut, Item: item, Cond: cond} }

// Delete returns a write that removes the item.
func Delete(key Key, cond Cond) Write {
	return Write{Op: OpDelete, Item: Item{Key: key}, Cond: cond}
}

// Check returns a write that writes nothing and only has its condition.
func Check(key Key, cond Cond) Write {
	return Write{Op: OpCheck, Item: Item{Key: key}, Cond: cond}
}

// Increase returns a write that adds to numbers.
func Increase(key Key, adds ...Add) Write {
	return Write{Op: OpAdd, Item: Item{Key: key}, Adds: adds}
}

// Query asks for the items of one partition with From <= sort key < To, in
// order, or in reverse.
type Query struct {
	Partition string
	From      string // inclusive; empty is the beginning
	To        string // exclusive; empty is the end
	Reverse   bool
	Limit     int // items at most; 1 to 10,000
}

// Page is a part of the answer to a Query or Scan.
type Page struct {
	Items []Item
	// More tells that there may be items behind the last one (or, for a page
	// without items, behind Next). A page may be cut early, for its size.
	More bool
	// Next continues a Scan; opaque.
	Next string
}

// Table is the port. Every method is safe for concurrent use and heeds ctx:
// a call whose context ends returns the context's error, and whether a Commit
// took effect is then unknown.
//
// Errors: ErrNotFound and *ConditionError as described, ErrInvalid for a call
// that breaks a limit above, fault UNAVAILABLE for what a later try may cure,
// fault STORAGE_FULL when the engine has no room, fault DATA_LOSS when what is
// stored fails its checksum.
type Table interface {
	// Get returns the item under key, or ErrNotFound. It sees every Commit that
	// returned before Get was called, and nothing that a loss of power could
	// still undo.
	Get(ctx context.Context, key Key) (Item, error)

	// Query returns a page of one partition, as strongly consistent as Get,
	// item by item: a Commit that runs beside it may be seen in part.
	Query(ctx context.Context, q Query) (Page, error)

	// Commit carries out all writes, or none. No two may name the same item.
	// When a condition does not hold it returns a *ConditionError. When Commit
	// returns nil the writes are durable and seen by every later read.
	//
	// When the outcome stays unknown (ctx ended, an answer was lost and could
	// not be recovered) the error is neither a *ConditionError nor ErrInvalid.
	// An adapter that tries again after a lost answer makes sure that its own
	// earlier try is not mistaken for a conflict.
	Commit(ctx context.Context, writes []Write) error

	// Scan returns a page of the whole table in no particular order; next is
	// empty or the Next of the page before. Items that are there throughout a
	// scan are returned exactly once.
	Scan(ctx context.Context, next string, limit int) (Page, error)

	// Close releases the table. No call may be under way or follow.
	Close() error
}
