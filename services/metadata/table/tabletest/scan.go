package tabletest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// testScan: a scan returns what is there throughout exactly once, while items
// come, go and change beside it.
func testScan(t *testing.T, s *suite) {
	const partitions, each = 6, 25
	name := func(i int) string { return fmt.Sprintf("%s %d", s.partition(t), i%partitions) }
	stable := func(i int, value string) table.Item {
		return table.Item{Key: table.Key{Partition: name(i), Sort: fmt.Sprintf("stable %d", i)}, Value: []byte(value)}
	}
	var items []table.Item
	for i := range partitions * each {
		items = append(items, stable(i, "0"))
	}
	s.fill(t, items)

	t.Run("at rest", func(t *testing.T) {
		for _, limit := range []int{7, 10_000} {
			once(t, scan(t, s, limit, items[0].Key.Partition), items)
		}
	})

	t.Run("while writing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for w := range 3 {
			writers.Go(func() {
				for i := w; ctx.Err() == nil; i += 3 {
					flicker := table.Key{Partition: name(i), Sort: fmt.Sprintf("flicker %d", i%50)}
					write := table.Put(table.Item{Key: flicker}, table.Any)
					if i%2 == 1 {
						write = table.Delete(flicker, table.Any)
					}
					err := s.Commit(ctx, []table.Write{write, table.Put(stable(i%len(items), fmt.Sprint(i)), table.Any)})
					if unwanted(err) {
						t.Errorf("Commit: %v", err)
						return
					}
				}
			})
		}
		for range 3 {
			once(t, scan(t, s, 13, items[0].Key.Partition), items)
		}
		cancel()
		writers.Wait()
	})
}

// scan walks the table and returns how often it met each key of partitions
// with the name, its last byte aside.
func scan(t *testing.T, s *suite, limit int, partition string) map[table.Key]int {
	t.Helper()
	prefix := partition[:len(partition)-1]
	met := make(map[table.Key]int)
	next := ""
	for {
		page, err := s.Scan(t.Context(), next, limit)
		if err != nil {
			t.Fatalf("Scan: %v", err)
		}
		if len(page.Items) > limit {
			t.Fatalf("page of %d items, limit %d", len(page.Items), limit)
		}
		for _, i := range page.Items {
			if strings.HasPrefix(i.Key.Partition, prefix) {
				met[i.Key]++
			}
		}
		if !page.More {
			return met
		}
		if page.Next == "" || page.Next == next {
			t.Fatalf("scan does not go on: next %q after %q", page.Next, next)
		}
		next = page.Next
	}
}

func once(t *testing.T, met map[table.Key]int, items []table.Item) {
	t.Helper()
	for _, i := range items {
		if n := met[i.Key]; n != 1 {
			t.Errorf("scan met %q %d times", i.Key, n)
		}
	}
}
