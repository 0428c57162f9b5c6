package tabletest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const clients = 8

// together runs f in as many goroutines as there are clients and waits.
func together(f func(client int)) {
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() { f(client) })
	}
	all.Wait()
}

// testConcurrent: commits that conflict behave as if one came after the other.
func testConcurrent(t *testing.T, s *suite) {
	t.Run("one creates", func(t *testing.T) { testOneWins(t, s, table.IfAbsent) })

	t.Run("one replaces", func(t *testing.T) {
		s.commit(t, table.Put(table.Item{Key: s.key(t, "contended"), Tag: "before"}, table.Any))
		testOneWins(t, s, table.IfTag("before"))
	})

	t.Run("pairs", func(t *testing.T) { testPairs(t, s) })
	t.Run("sums", func(t *testing.T) { testSums(t, s) })
	t.Run("floor", func(t *testing.T) { testFloor(t, s) })
	t.Run("compare and swap", func(t *testing.T) { testSwap(t, s) })
	t.Run("read after commit", func(t *testing.T) { testReadAfterCommit(t, s) })
}

// testOneWins: of commits with one condition that only the first can meet,
// exactly one succeeds, with all that it writes; the others write nothing.
func testOneWins(t *testing.T, s *suite, cond table.Cond) {
	contended := s.key(t, "contended")
	own := func(client int) table.Key { return s.key(t, fmt.Sprintf("own %d", client)) }
	var winners atomic.Int32
	var winner atomic.Int32
	together(func(client int) {
		err := s.Commit(t.Context(), []table.Write{
			table.Put(table.Item{Key: own(client)}, table.IfAbsent),
			table.Put(table.Item{Key: contended, Tag: strconv.Itoa(client)}, cond),
		})
		if err == nil {
			winners.Add(1)
			winner.Store(int32(client))
		} else if refusal, ok := errors.AsType[*table.ConditionError](err); !ok || refusal.FailedAt(0) || !refusal.FailedAt(1) {
			t.Errorf("client %d: %v", client, err)
		}
	})
	if n := winners.Load(); n != 1 {
		t.Fatalf("%d clients won", n)
	}
	s.has(t, table.Item{Key: contended, Tag: strconv.Itoa(int(winner.Load()))})
	for client := range clients {
		if client == int(winner.Load()) {
			s.has(t, table.Item{Key: own(client)})
		} else {
			s.absent(t, own(client))
		}
	}
}

// testPairs: each client wants two neighbours of a ring at once. Each item
// goes to one client at most, and no client gets one without the other.
func testPairs(t *testing.T, s *suite) {
	ring := func(i int) table.Key { return s.key(t, fmt.Sprintf("ring %d", i%clients)) }
	var won [clients]bool
	together(func(client int) {
		tag := strconv.Itoa(client)
		err := s.Commit(t.Context(), []table.Write{
			table.Put(table.Item{Key: ring(client), Tag: tag}, table.IfAbsent),
			table.Put(table.Item{Key: ring(client + 1), Tag: tag}, table.IfAbsent),
		})
		if unwanted(err) {
			t.Errorf("client %d: %v", client, err)
		}
		won[client] = err == nil
	})
	owners := make(map[string]int)
	_, page := s.query(t, table.Query{Partition: s.partition(t), Limit: clients})
	for _, i := range page.Items {
		owners[i.Tag]++
	}
	for client := range clients {
		want := 0
		if won[client] {
			want = 2
		}
		if got := owners[strconv.Itoa(client)]; got != want {
			t.Errorf("client %d owns %d items, want %d", client, got, want)
		}
	}
	if len(owners) == 0 {
		t.Error("nobody won")
	}
}

// testSums: no addition is lost, and what is moved between numbers stays.
func testSums(t *testing.T, s *suite) {
	const rounds, accounts = 6, 3
	unbound := int64(math.MinInt64)
	account := func(i int) table.Key { return s.key(t, fmt.Sprintf("account %d", i%accounts)) }
	together(func(client int) {
		for round := range rounds {
			err := s.Commit(t.Context(), []table.Write{
				table.Increase(account(client+round), table.Add{Name: "moved", Delta: 3, Floor: unbound}, table.Add{Name: "in", Delta: 1}),
				table.Increase(account(client+round+1), table.Add{Name: "moved", Delta: -3, Floor: unbound}),
			})
			if err != nil {
				t.Errorf("client %d: %v", client, err)
			}
		}
	})
	var moved, in int64
	for i := range accounts {
		numbers := s.get(t, account(i)).Numbers
		moved += numbers["moved"]
		in += numbers["in"]
	}
	if moved != 0 || in != clients*rounds {
		t.Errorf("%d is left over, of %d additions %d are there", moved, clients*rounds, in)
	}
}

// testFloor: takers of one number get no more than there was.
func testFloor(t *testing.T, s *suite) {
	const there, rounds = 20, 5
	key := s.key(t, "number")
	s.commit(t, table.Put(table.Item{Key: key, Numbers: map[string]int64{"n": there}}, table.Any))
	var taken atomic.Int64
	together(func(client int) {
		for range rounds {
			err := s.Commit(t.Context(), []table.Write{table.Increase(key, table.Add{Name: "n", Delta: -1, Floor: 0})})
			if err == nil {
				taken.Add(1)
			} else if unwanted(err) {
				t.Errorf("client %d: %v", client, err)
			}
		}
	})
	left := s.get(t, key).Numbers["n"]
	if taken.Load() != there || left != 0 {
		t.Errorf("of %d, %d were taken and %d are left", there, taken.Load(), left)
	}
}

// testSwap: a number kept in values by compare and swap loses no step.
func testSwap(t *testing.T, s *suite) {
	const steps = 3
	key := s.key(t, "value")
	s.commit(t, table.Put(table.Item{Key: key, Tag: "0"}, table.Any))
	together(func(client int) {
		for done := 0; done < steps; {
			item, err := s.Get(t.Context(), key)
			if err != nil {
				t.Errorf("Get: %v", err)
				return
			}
			n, err := strconv.Atoi(item.Tag)
			if err != nil {
				t.Errorf("tag %q: %v", item.Tag, err)
				return
			}
			err = s.Commit(t.Context(), []table.Write{
				table.Put(table.Item{Key: key, Tag: strconv.Itoa(n + 1)}, table.IfTag(item.Tag)),
			})
			switch {
			case err == nil:
				done++
			case unwanted(err):
				t.Errorf("client %d: %v", client, err)
				return
			}
		}
	})
	s.has(t, table.Item{Key: key, Tag: strconv.Itoa(clients * steps)})
}

// testReadAfterCommit: what Commit has returned for, every later read sees.
func testReadAfterCommit(t *testing.T, s *suite) {
	together(func(client int) {
		key := s.key(t, fmt.Sprintf("item %d", client))
		q := table.Query{Partition: key.Partition, From: key.Sort, To: table.After(key.Sort), Limit: 1}
		for round := range 5 {
			tag := strconv.Itoa(round)
			if err := s.Commit(t.Context(), []table.Write{table.Put(table.Item{Key: key, Tag: tag}, table.Any)}); err != nil {
				t.Errorf("Commit: %v", err)
				return
			}
			if item, err := s.Get(t.Context(), key); err != nil || item.Tag != tag {
				t.Errorf("Get after Commit of %s: %q, %v", tag, item.Tag, err)
			}
			if page, err := s.Query(t.Context(), q); err != nil || len(page.Items) != 1 || page.Items[0].Tag != tag {
				t.Errorf("Query after Commit of %s: %+v, %v", tag, page, err)
			}
		}
		if err := s.Commit(t.Context(), []table.Write{table.Delete(key, table.IfPresent)}); err != nil {
			t.Errorf("Commit: %v", err)
		}
		if _, err := s.Get(t.Context(), key); !errors.Is(err, table.ErrNotFound) {
			t.Errorf("Get after Delete: %v", err)
		}
	})
}
