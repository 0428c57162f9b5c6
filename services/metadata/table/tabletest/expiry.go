package tabletest

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// testExpiry: an item may go once it has expired, and not before; until it
// goes it is an item like another.
func testExpiry(t *testing.T, s *suite) {
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	future := time.Now().Add(48 * time.Hour).Truncate(time.Second)

	t.Run("expired", func(t *testing.T) {
		item := table.Item{Key: s.key(t, "sort"), Tag: "t", Expires: past}
		s.commit(t, table.Put(item, table.Any))
		switch got, err := s.Get(t.Context(), item.Key); {
		case err == nil:
			same(t, got, item)
		case !errors.Is(err, table.ErrNotFound):
			t.Errorf("Get: %v", err)
		}
		s.commit(t, table.Delete(item.Key, table.Any))
		s.absent(t, item.Key)
	})

	for name, replacement := range map[string]table.Item{
		"extended":  {Tag: "2", Expires: future},
		"for ever":  {Tag: "2"},
		"a counter": {Tag: "2", Numbers: map[string]int64{"n": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			replacement.Key = s.key(t, "sort")
			s.commit(t, table.Put(table.Item{Key: replacement.Key, Expires: past}, table.Any))
			s.commit(t, table.Put(replacement, table.Any))
			s.has(t, replacement)
		})
	}

	t.Run("a fraction of a second", func(t *testing.T) {
		key := s.key(t, "sort")
		want := future.Add(500 * time.Millisecond)
		s.commit(t, table.Put(table.Item{Key: key, Expires: want}, table.Any))
		if got := s.get(t, key).Expires; got.Before(want) || got.Sub(want) >= time.Second {
			t.Errorf("expires at %v, want the second from %v on", got, want)
		}
	})
}
