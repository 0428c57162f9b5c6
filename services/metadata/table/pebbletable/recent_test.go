package pebbletable

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// TestRecentIsTheNewest reads an item that is written all the while, and removed
// now and then. No reader finds it older than another has found it before, or
// older than what was acknowledged.
func TestRecentIsTheNewest(t *testing.T) {
	db, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	const writes = 200
	key := table.Key{Partition: "P", Sort: "s"}
	var newest atomic.Int64 // acknowledged, or found by somebody
	raise := func(to int64) {
		for old := newest.Load(); to > old && !newest.CompareAndSwap(old, to); old = newest.Load() {
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	for range 4 {
		reading.Go(func() {
			for ; ctx.Err() == nil; runtime.Gosched() {
				before := newest.Load()
				item, err := db.Get(t.Context(), key)
				if errors.Is(err, table.ErrNotFound) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				found, err := strconv.ParseInt(string(item.Value), 10, 64)
				if err != nil || found < before {
					t.Errorf("found %d after %d: %v", found, before, err)
					return
				}
				raise(found)
			}
		})
	}
	for i := int64(1); i <= writes; i++ {
		write := table.Put(table.Item{Key: key, Value: fmt.Append(nil, i)}, table.Cond{})
		if i%10 == 0 {
			write = table.Delete(key, table.Cond{})
		}
		if err := db.Commit(t.Context(), []table.Write{write}); err != nil {
			t.Fatal(err)
		}
		raise(i)
		if _, err := db.Get(t.Context(), key); (i%10 == 0) != errors.Is(err, table.ErrNotFound) {
			t.Fatalf("after write %d: %v", i, err)
		}
	}
	stop()
	reading.Wait()
}

// What is read again is not looked for again.
func TestRecentRemembers(t *testing.T) {
	r := newRecent()
	key := []byte("\x01P\x00s")
	item := table.Item{Key: table.Key{Partition: "P", Sort: "s"}, Value: []byte("v")}
	r.put(key, item, 7)
	if got, ok := r.get(key); !ok || string(got.Value) != "v" {
		t.Errorf("got %v, %t", got, ok)
	}
	if _, ok := r.get([]byte("\x01P\x00t")); ok {
		t.Error("another key is remembered")
	}
	r.note(map[string][]byte{string(key): nil}, 7)
	if _, ok := r.get(key); !ok {
		t.Error("forgotten for a group that the view holds")
	}
	r.note(map[string][]byte{string(key): nil}, 8)
	if _, ok := r.get(key); ok {
		t.Error("remembered in spite of a later write")
	}
	r.put(key, item, 7) // by a reader that is late
	if _, ok := r.get(key); ok {
		t.Error("what was read before a write is told after it")
	}
	for name, other := range map[string]table.Item{
		"large":   {Value: make([]byte, recentBytes+1)},
		"counter": {Numbers: map[string]int64{"n": 1}},
	} {
		r.put(key, other, 9)
		if _, ok := r.get(key); ok {
			t.Errorf("%s: remembered", name)
		}
	}
}
