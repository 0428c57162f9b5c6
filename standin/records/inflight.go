package records

import (
	"runtime"
	"sync"
)

// inflight are the keys of the writes under way. Two that meet conflict, as in
// DynamoDB, rather than wait for each other.
type inflight struct {
	mu   sync.Mutex
	keys map[key]bool
}

func (f *inflight) enter(k key) bool { return f.enterAll([]key{k}) < 0 }

// enterAll takes all keys, or none: then it returns the index of one that is
// taken.
func (f *inflight) enterAll(keys []key) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, k := range keys {
		if f.keys[k] {
			return i
		}
	}
	if f.keys == nil {
		f.keys = make(map[key]bool)
	}
	for _, k := range keys {
		f.keys[k] = true
	}
	return -1
}

func (f *inflight) leave(keys ...key) {
	runtime.Gosched() // lets others meet it
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range keys {
		delete(f.keys, k)
	}
}
