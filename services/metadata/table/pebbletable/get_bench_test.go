package pebbletable

import (
	"fmt"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// BenchmarkGet reads an item of 200 bytes among 10,000: one that is remembered,
// and one that is not.
func BenchmarkGet(b *testing.B) {
	db, err := Open(Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	}()
	key := func(i int) table.Key { return table.Key{Partition: fmt.Sprintf("N#s#%d", i), Sort: "NODE"} }
	for i := 0; i < 10_000; i += table.MaxWrites {
		var writes []table.Write
		for j := range table.MaxWrites {
			writes = append(writes, table.Put(table.Item{Key: key(i + j), Value: make([]byte, 200)}, table.Cond{}))
		}
		if err := db.Commit(b.Context(), writes); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.Get(b.Context(), key(7)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("not remembered", func(b *testing.B) {
		for b.Loop() {
			db.recent.slot(appendItemKey(nil, key(7))).item.Store(nil)
			if _, err := db.Get(b.Context(), key(7)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
