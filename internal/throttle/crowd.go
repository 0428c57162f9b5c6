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

// Crowd bounds how much of something each client has at a time. A nil Crowd bounds
// nothing. Safe for concurrent use. It remembers only clients that have
// something.
type Crowd struct {
	what  string
	most  int
	seed  maphash.Seed
	parts [shards]struct {
		mu    sync.Mutex
		count map[uint64]int
	}
}

// NewCrowd returns a Crowd of at most most of each client at a time, nil when most
// is 0. What it counts is what callers see, such as "requests of this address".
func NewCrowd(what string, most int) *Crowd {
	if most <= 0 {
		return nil
	}
	return &Crowd{what: what, most: most, seed: maphash.MakeSeed()}
}

// Enter lets one of a client in; Leave must follow, unless it returns
// RATE_LIMITED.
func (c *Crowd) Enter(client string) error { return c.Take(client, 1) }

// Leave ends what Enter let in.
func (c *Crowd) Leave(client string) { c.Give(client, 1) }

// Take takes n of what a client may have, which Give must give back, or nothing
// when it returns RATE_LIMITED.
func (c *Crowd) Take(client string, n int) error {
	if c == nil {
		return nil
	}
	key := maphash.String(c.seed, client)
	at := &c.parts[key%shards]
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.count[key] > c.most-n {
		err := fault.New(errorsv1.Reason_REASON_RATE_LIMITED,
			"too many %s at a time; %d are let in", c.what, c.most)
		err.RetryAfter = crowdRetry
		return err
	}
	if at.count == nil {
		at.count = make(map[uint64]int)
	}
	at.count[key] += n
	return nil
}

// Give gives back n of what Take took.
func (c *Crowd) Give(client string, n int) {
	if c == nil {
		return
	}
	key := maphash.String(c.seed, client)
	at := &c.parts[key%shards]
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.count[key] -= n; at.count[key] == 0 {
		delete(at.count, key)
	}
}
