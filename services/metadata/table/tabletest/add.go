package tabletest

import (
	"math"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// testAdd: sums, floors, several numbers, and what an add leaves alone.
func testAdd(t *testing.T, s *suite) {
	none := int64(math.MinInt64)
	for name, test := range map[string]struct {
		before map[string]int64 // nil: no item
		adds   []table.Add
		after  map[string]int64 // nil: refused
	}{
		"to no item":         {nil, []table.Add{{Name: "n", Delta: 5, Floor: none}}, map[string]int64{"n": 5}},
		"nothing to no item": {nil, []table.Add{{Name: "n", Delta: 0, Floor: 0}}, map[string]int64{"n": 0}},
		"to no number":       {map[string]int64{"m": 1}, []table.Add{{Name: "n", Delta: 5}}, map[string]int64{"m": 1, "n": 5}},
		"to a number":        {map[string]int64{"n": 2}, []table.Add{{Name: "n", Delta: 5}}, map[string]int64{"n": 7}},
		"below zero":         {map[string]int64{"n": 2}, []table.Add{{Name: "n", Delta: -5, Floor: none}}, map[string]int64{"n": -3}},
		"at the floor":       {map[string]int64{"n": 5}, []table.Add{{Name: "n", Delta: -5, Floor: 0}}, map[string]int64{"n": 0}},
		"below the floor":    {map[string]int64{"n": 5}, []table.Add{{Name: "n", Delta: -6, Floor: 0}}, nil},
		"no item, floor":     {nil, []table.Add{{Name: "n", Delta: -1, Floor: 0}}, nil},
		"floor above zero":   {map[string]int64{"n": 5}, []table.Add{{Name: "n", Delta: 4, Floor: 10}}, nil},
		"up to the floor":    {map[string]int64{"n": 5}, []table.Add{{Name: "n", Delta: 5, Floor: 10}}, map[string]int64{"n": 10}},
		"negative floor":     {map[string]int64{"n": 5}, []table.Add{{Name: "n", Delta: -15, Floor: -10}}, map[string]int64{"n": -10}},
		"under it":           {map[string]int64{"n": 5}, []table.Add{{Name: "n", Delta: -16, Floor: -10}}, nil},
		"large":              {map[string]int64{"n": math.MaxInt64 - 1}, []table.Add{{Name: "n", Delta: 1}}, map[string]int64{"n": math.MaxInt64}},
		"several": {
			map[string]int64{"a": 10, "c": 1},
			[]table.Add{{Name: "a", Delta: -10}, {Name: "b", Delta: 3}, {Name: "Z", Delta: 1}},
			map[string]int64{"a": 0, "b": 3, "c": 1, "Z": 1},
		},
		"several, one below": {
			map[string]int64{"a": 10, "c": 1},
			[]table.Add{{Name: "a", Delta: -1}, {Name: "c", Delta: -2}, {Name: "d", Delta: 1}}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			key := s.key(t, "sort")
			if test.before != nil {
				s.commit(t, table.Put(table.Item{Key: key, Numbers: test.before}, table.Any))
			}
			switch {
			case test.after != nil:
				s.commit(t, table.Increase(key, test.adds...))
				s.has(t, table.Item{Key: key, Numbers: test.after})
			case test.before != nil:
				s.refused(t, []int{0}, table.Increase(key, test.adds...))
				s.has(t, table.Item{Key: key, Numbers: test.before})
			default:
				s.refused(t, []int{0}, table.Increase(key, test.adds...))
				s.absent(t, key)
			}
		})
	}

	t.Run("leaves the rest", func(t *testing.T) {
		item := table.Item{
			Key: s.key(t, "sort"), Value: []byte("value"), Tag: "tag",
			Expires: time.Now().Add(48 * time.Hour).Truncate(time.Second),
		}
		s.commit(t, table.Put(item, table.Any))
		s.commit(t, table.Increase(item.Key, table.Add{Name: "n", Delta: 1}))
		item.Numbers = map[string]int64{"n": 1}
		s.has(t, item)
		s.commit(t, table.Check(item.Key, table.IfTag("tag")))
	})

	t.Run("makes an item with an empty tag", func(t *testing.T) {
		key := s.key(t, "sort")
		s.commit(t, table.Increase(key, table.Add{Name: "n", Delta: 1}))
		s.refused(t, []int{0}, table.Put(table.Item{Key: key}, table.IfAbsent))
		s.commit(t, table.Put(table.Item{Key: key}, table.IfTag("")))
	})
}
