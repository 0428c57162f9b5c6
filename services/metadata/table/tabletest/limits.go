package tabletest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// testLimits: what breaks a limit is ErrInvalid and writes nothing; what just
// keeps it is carried out.
func testLimits(t *testing.T, s *suite) {
	long := func(n int) string { return strings.Repeat("k", n) }
	partition := func(t *testing.T, n int) string {
		p := s.partition(t)
		return p + long(n-len(p))
	}

	t.Run("keys", func(t *testing.T) {
		p := s.partition(t)
		for name, key := range map[string]table.Key{
			"no partition":     {Sort: "sort"},
			"no sort":          {Partition: p},
			"long partition":   {Partition: partition(t, table.MaxPartitionBytes+1), Sort: "sort"},
			"long sort":        {Partition: p, Sort: long(table.MaxSortBytes + 1)},
			"NUL in partition": {Partition: p + "\x00", Sort: "sort"},
			"NUL in sort":      {Partition: p, Sort: "a\x00b"},
		} {
			t.Run(name, func(t *testing.T) {
				s.invalid(t, table.Put(table.Item{Key: key}, table.Any))
				s.invalid(t, table.Delete(key, table.Any))
				s.invalid(t, table.Check(key, table.IfAbsent))
				s.invalid(t, table.Increase(key, table.Add{Name: "n", Delta: 1}))
				if _, err := s.Get(t.Context(), key); !errors.Is(err, table.ErrInvalid) {
					t.Errorf("Get: got %v, want ErrInvalid", err)
				}
			})
		}
		longest := table.Item{Key: table.Key{Partition: partition(t, table.MaxPartitionBytes), Sort: long(table.MaxSortBytes)}}
		s.commit(t, table.Put(longest, table.IfAbsent))
		s.has(t, longest)
	})

	t.Run("items", func(t *testing.T) {
		key := s.key(t, "sort")
		value := func(size int) []byte {
			return bytes.Repeat([]byte("v"), size-table.Size(table.Item{Key: key}))
		}
		for name, item := range map[string]table.Item{
			"large":                 {Value: value(table.MaxItemBytes + 1)},
			"large with a tag":      {Value: value(table.MaxItemBytes), Tag: "t"},
			"large with a number":   {Value: value(table.MaxItemBytes), Numbers: map[string]int64{"n": 1}},
			"long tag":              {Tag: long(table.MaxTagBytes + 1)},
			"number without a name": {Numbers: map[string]int64{"": 1}},
			"expired before 1970":   {Expires: time.Unix(-1, 0)},
		} {
			t.Run(name, func(t *testing.T) {
				item.Key = key
				s.invalid(t, table.Put(item, table.Any))
			})
		}
		s.absent(t, key)
		largest := table.Item{Key: key, Value: value(table.MaxItemBytes)}
		s.commit(t, table.Put(largest, table.Any))
		s.has(t, largest)
		s.invalid(t, table.Increase(key, table.Add{Name: "n", Delta: 1})) // it grows too large
		s.has(t, largest)
	})

	t.Run("commits", func(t *testing.T) {
		puts := func(count, size int) (writes []table.Write) {
			for i := range count {
				item := table.Item{Key: s.key(t, fmt.Sprintf("%03d", i))}
				item.Value = make([]byte, max(0, size-table.Size(item)))
				writes = append(writes, table.Put(item, table.Any))
			}
			return writes
		}
		key := s.key(t, "sort")
		add := table.Add{Name: "n", Delta: 1}
		conditional := table.Increase(key, add)
		conditional.Cond = table.IfPresent
		for name, writes := range map[string][]table.Write{
			"of nothing":              {},
			"of too many writes":      puts(table.MaxWrites+1, 0),
			"of too many bytes":       puts(11, table.MaxItemBytes),
			"of two puts of an item":  {table.Put(table.Item{Key: key}, table.Any), table.Put(table.Item{Key: key}, table.Any)},
			"of a put and its check":  {table.Put(table.Item{Key: key}, table.Any), table.Check(key, table.IfAbsent)},
			"of a delete and an add":  {table.Delete(key, table.Any), table.Increase(key, add)},
			"of an unknown operation": {{Item: table.Item{Key: key}}},
			"of an add of nothing":    {table.Increase(key)},
			"of an add to no name":    {table.Increase(key, table.Add{Delta: 1})},
			"of two adds to a number": {table.Increase(key, add, add)},
			"of a conditional add":    {conditional},
			"on a long tag":           {table.Check(key, table.IfTag(long(table.MaxTagBytes+1)))},
			"with one bad write":      append(puts(3, 0), table.Delete(table.Key{}, table.Any)),
		} {
			t.Run(name, func(t *testing.T) { s.invalid(t, writes...) })
		}
		if sorts, _ := s.query(t, table.Query{Partition: s.partition(t), Limit: 100}); len(sorts) > 0 {
			t.Errorf("invalid commits wrote %q", sorts)
		}
		s.commit(t, puts(10, table.MaxItemBytes)...)
	})

	t.Run("pages", func(t *testing.T) {
		p := s.partition(t)
		for name, q := range map[string]table.Query{
			"no partition":   {Limit: 1},
			"NUL":            {Partition: "a\x00b", Limit: 1},
			"NUL in From":    {Partition: p, From: "\x00", Limit: 1},
			"NUL in To":      {Partition: p, To: "\x00", Limit: 1},
			"long bound":     {Partition: p, From: long(table.MaxSortBytes + 2), Limit: 1},
			"no limit":       {Partition: p},
			"minus":          {Partition: p, Limit: -1},
			"large limit":    {Partition: p, Limit: 10_001},
			"long partition": {Partition: partition(t, table.MaxPartitionBytes+1), Limit: 1},
		} {
			if _, err := s.Query(t.Context(), q); !errors.Is(err, table.ErrInvalid) {
				t.Errorf("%s: got %v, want ErrInvalid", name, err)
			}
		}
		for _, limit := range []int{-1, 0, 10_001} {
			if _, err := s.Scan(t.Context(), "", limit); !errors.Is(err, table.ErrInvalid) {
				t.Errorf("scan of %d: got %v, want ErrInvalid", limit, err)
			}
		}
		if _, err := s.Scan(t.Context(), "what no scan returned", 1); !errors.Is(err, table.ErrInvalid) {
			t.Errorf("scan from nowhere: got %v, want ErrInvalid", err)
		}
		if sorts, page := s.query(t, table.Query{Partition: p, Limit: 10_000}); len(sorts) > 0 || page.More {
			t.Errorf("query of an empty partition: %+v", page)
		}
	})
}
