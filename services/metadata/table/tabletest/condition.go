package tabletest

import (
	"errors"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// testConditions: each condition on each operation, on an item that is not
// there, that has the tag, has another tag, and has none.
func testConditions(t *testing.T, s *suite) {
	type state struct {
		name    string
		present bool
		tag     string
	}
	states := []state{{"absent", false, ""}, {"tagged", true, "tag"}, {"other tag", true, "tag2"}, {"no tag", true, ""}}
	conditions := []struct {
		name  string
		cond  table.Cond
		holds func(state) bool
	}{
		{"Any", table.Any, func(state) bool { return true }},
		{"IfAbsent", table.IfAbsent, func(s state) bool { return !s.present }},
		{"IfPresent", table.IfPresent, func(s state) bool { return s.present }},
		{"IfTag", table.IfTag("tag"), func(s state) bool { return s.present && s.tag == "tag" }},
		{"IfTag of nothing", table.IfTag(""), func(s state) bool { return s.present && s.tag == "" }},
	}
	operations := []struct {
		name  string
		write func(table.Key, table.Cond) table.Write
		after func(before table.Item) (after table.Item, present bool)
	}{
		{"Put", func(k table.Key, c table.Cond) table.Write {
			return table.Put(table.Item{Key: k, Value: []byte("new"), Tag: "new"}, c)
		}, func(i table.Item) (table.Item, bool) {
			return table.Item{Key: i.Key, Value: []byte("new"), Tag: "new"}, true
		}},
		{"Delete", table.Delete, nil},
		{"Check", table.Check, func(i table.Item) (table.Item, bool) { return i, i.Value != nil }},
	}
	for _, operation := range operations {
		for _, condition := range conditions {
			for _, state := range states {
				t.Run(operation.name+" "+condition.name+" "+state.name, func(t *testing.T) {
					key := s.key(t, "sort")
					before := table.Item{Key: key}
					if state.present {
						before.Value, before.Tag = []byte("old"), state.tag
						s.commit(t, table.Put(before, table.Any))
					}
					after, present := before, state.present
					if write := operation.write(key, condition.cond); !condition.holds(state) {
						s.refused(t, []int{0}, write)
					} else {
						s.commit(t, write)
						present = false
						if operation.after != nil {
							after, present = operation.after(before)
						}
					}
					if present {
						s.has(t, after)
					} else {
						s.absent(t, key)
					}
				})
			}
		}
	}
}

// testAtomic: all writes, or none.
func testAtomic(t *testing.T, s *suite) {
	t.Run("all", func(t *testing.T) {
		a, b, c, d := s.key(t, "a"), s.key(t, "b"), table.Key{Partition: s.partition(t) + " 2", Sort: "c"}, s.key(t, "d")
		s.commit(t, table.Put(table.Item{Key: b, Tag: "1"}, table.Any), table.Put(table.Item{Key: d, Tag: "2"}, table.Any))
		s.commit(t,
			table.Put(table.Item{Key: a, Value: []byte("a")}, table.IfAbsent),
			table.Delete(b, table.IfTag("1")),
			table.Increase(c, table.Add{Name: "n", Delta: 5}),
			table.Check(d, table.IfTag("2")))
		s.has(t, table.Item{Key: a, Value: []byte("a")})
		s.absent(t, b)
		s.has(t, table.Item{Key: c, Numbers: map[string]int64{"n": 5}})
		s.has(t, table.Item{Key: d, Tag: "2"})
	})

	t.Run("none", func(t *testing.T) {
		there, absent := table.Item{Key: s.key(t, "there"), Tag: "1", Numbers: map[string]int64{"n": 1}}, s.key(t, "absent")
		s.commit(t, table.Put(there, table.Any))
		good := []table.Write{
			table.Put(table.Item{Key: s.key(t, "put")}, table.Any),
			table.Put(table.Item{Key: s.key(t, "put if absent")}, table.IfAbsent),
			table.Increase(s.key(t, "add"), table.Add{Name: "n", Delta: 1}),
			table.Delete(there.Key, table.Any),
		}
		for name, bad := range map[string]table.Write{
			"put":    table.Put(table.Item{Key: absent}, table.IfPresent),
			"delete": table.Delete(absent, table.IfTag("1")),
			"check":  table.Check(absent, table.IfPresent),
			"add":    table.Increase(absent, table.Add{Name: "n", Delta: -1, Floor: 0}),
		} {
			t.Run(name, func(t *testing.T) {
				for _, at := range []int{0, 2, len(good)} {
					writes := append(append(append([]table.Write{}, good[:at]...), bad), good[at:]...)
					s.refused(t, []int{at}, writes...)
				}
				for _, w := range good[:3] {
					s.absent(t, w.Item.Key)
				}
				s.has(t, there)
				s.absent(t, absent)
			})
		}
	})

	t.Run("several failed", func(t *testing.T) {
		s.refused(t, []int{0, 2},
			table.Check(s.key(t, "a"), table.IfPresent),
			table.Put(table.Item{Key: s.key(t, "b")}, table.IfAbsent),
			table.Check(s.key(t, "c"), table.IfPresent))
		s.absent(t, s.key(t, "b"))
	})

	t.Run("a hundred", func(t *testing.T) {
		var puts, deletes []table.Write
		for i := range table.MaxWrites {
			key := s.key(t, string(rune('0'+i/10))+string(rune('0'+i%10)))
			puts = append(puts, table.Put(table.Item{Key: key, Tag: "1"}, table.IfAbsent))
			deletes = append(deletes, table.Delete(key, table.IfTag("1")))
		}
		s.commit(t, puts...)
		if sorts, _ := s.query(t, table.Query{Partition: s.partition(t), Limit: 1000}); len(sorts) != len(puts) {
			t.Errorf("of %d items, %d are there", len(puts), len(sorts))
		}
		s.commit(t, deletes...)
		if sorts, _ := s.query(t, table.Query{Partition: s.partition(t), Limit: 1000}); len(sorts) != 0 {
			t.Errorf("%d items are left", len(sorts))
		}
	})

	t.Run("checks only", func(t *testing.T) {
		key := s.key(t, "a")
		s.commit(t, table.Check(key, table.IfAbsent), table.Check(s.key(t, "b"), table.IfAbsent))
		err := s.Commit(t.Context(), []table.Write{table.Check(key, table.IfPresent)})
		if refusal, ok := errors.AsType[*table.ConditionError](err); !ok || !refusal.FailedAt(0) || refusal.FailedAt(1) {
			t.Errorf("got %v", err)
		}
		s.absent(t, key)
	})
}
