package tabletest

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// testItem: what is put comes back, by Get, Query and Scan.
func testItem(t *testing.T, s *suite) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	future := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	for name, item := range map[string]table.Item{
		"key only":    {},
		"value":       {Value: every},
		"tag":         {Tag: string(every[1:])[:table.MaxTagBytes]},
		"numbers":     {Numbers: map[string]int64{"a": 1, "b": -1, "zero": 0, "max": math.MaxInt64, "min": math.MinInt64}},
		"expires":     {Expires: future},
		"everything":  {Value: every, Tag: "tag", Numbers: map[string]int64{"n": 7}, Expires: future},
		"large value": {Value: bytes.Repeat(every, 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			item.Key = s.key(t, "sort")
			s.commit(t, table.Put(item, table.Any))
			s.has(t, item)
			_, page := s.query(t, table.Query{Partition: item.Key.Partition, Limit: 10})
			if len(page.Items) != 1 {
				t.Fatalf("query returned %d items", len(page.Items))
			}
			same(t, page.Items[0], item)
		})
	}

	t.Run("absent item", func(t *testing.T) { s.absent(t, s.key(t, "none")) })

	t.Run("value belongs to its caller", func(t *testing.T) {
		key := s.key(t, "sort")
		value := []byte("before")
		s.commit(t, table.Put(table.Item{Key: key, Value: value}, table.Any))
		kept := s.get(t, key)
		copy(value, "XXXXXX")
		s.has(t, table.Item{Key: key, Value: []byte("before")})
		s.commit(t, table.Put(table.Item{Key: key, Value: []byte("after!")}, table.Any))
		if string(kept.Value) != "before" {
			t.Errorf("a value that Get returned became %q", kept.Value)
		}
	})
}

// testPut: a put replaces the whole item.
func testPut(t *testing.T, s *suite) {
	full := table.Item{
		Key: s.key(t, "sort"), Value: []byte("value"), Tag: "tag",
		Numbers: map[string]int64{"n": 1, "m": 2},
		Expires: time.Now().Add(48 * time.Hour).Truncate(time.Second),
	}
	for name, replacement := range map[string]table.Item{
		"nothing": {},
		"value":   {Value: []byte("other")},
		"tag":     {Tag: "other"},
		"numbers": {Numbers: map[string]int64{"n": 3}},
		"expires": {Expires: full.Expires.Add(time.Hour)},
		"longer":  {Value: []byte(strings.Repeat("long", 1000)), Tag: strings.Repeat("t", 100)},
	} {
		t.Run(name, func(t *testing.T) {
			s.commit(t, table.Put(full, table.Any))
			s.has(t, full)
			replacement.Key = full.Key
			s.commit(t, table.Put(replacement, table.Any))
			s.has(t, replacement)
		})
	}
	t.Run("delete", func(t *testing.T) {
		s.commit(t, table.Put(full, table.Any))
		s.commit(t, table.Delete(full.Key, table.Any))
		s.absent(t, full.Key)
		s.commit(t, table.Delete(full.Key, table.Any)) // removing none is no error
	})
}
