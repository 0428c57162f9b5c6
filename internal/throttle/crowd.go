package throttle

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// crowdRetry is when a client that has too much under way may try again.
const crowdRetry = time.Second

// Crowd bounds how much each client has under way at a time. A nil Crowd bounds
// nothing. Safe for concurrent use. It remembers only clients that have
// something under way.
type Crowd struct {
	name  string
	most  int
	seed  maphash.Seed
	parts [shards]struct {
		mu    sync.Mutex
		count map[uint64]int
	}
}

// NewCrowd returns a Crowd of at most most calls of each client at a time, nil
// when most is 0. The name is what callers see, such as "address".
func NewCrowd(name string, most int) *Crowd {
	if most <= 0 {
		return nil
	}
	return &Crowd{name: name, most: most, seed: maphash.MakeSeed()}
}

// Enter lets a call of a client in; Leave must follow, unless it returns
// RATE_LIMITED.
func (c *Crowd) Enter(client string) error {
	if c == nil {
		return nil
	}
	key := maphash.String(c.seed, client)
	at := &c.parts[key%shards]
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.count[key] >= c.most {
		err := fault.New(errorsv1.Reason_REASON_RATE_LIMITED,
			"too many requests of this %s at a time; %d are let in", c.name, c.most)
		err.RetryAfter = crowdRetry
		return err
	}
	if at.count == nil {
		at.count = make(map[uint64]int)
	}
	at.count[key]++
	return nil
}

// Leave ends what Enter let in.
func (c *Crowd) Leave(client string) {
	if c == nil {
		return
	}
	key := maphash.String(c.seed, client)
	at := &c.parts[key%shards]
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.count[key]--; at.count[key] == 0 {
		delete(at.count, key)
	}
}
