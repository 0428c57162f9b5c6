package diskblob

import (
	"context"
	"sync"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// claims lets one Create at a time look whether an id is free and take it.
type claims struct {
	mu   sync.Mutex
	held map[blob.ID]chan struct{} // closed when it is given back
}

// take waits until nobody has the claim on id, or ctx ends.
func (c *claims) take(ctx context.Context, id blob.ID) error {
	for {
		c.mu.Lock()
		held, taken := c.held[id]
		if !taken {
			if c.held == nil {
				c.held = make(map[blob.ID]chan struct{})
			}
			c.held[id] = make(chan struct{})
			c.mu.Unlock()
			return nil
		}
		c.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *claims) give(id blob.ID) {
	c.mu.Lock()
	held := c.held[id]
	delete(c.held, id)
	c.mu.Unlock()
	close(held)
}
