package rest

import (
	"sync/atomic"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// room is so much of something and no more. Nobody waits for it: a request that
// waited would hold what it has.
type room struct{ left atomic.Int64 }

func newRoom(n int64) *room {
	r := new(room)
	r.left.Store(n)
	return r
}

// take takes n, or nothing when there is less.
func (r *room) take(n int64) bool {
	if r.left.Add(-n) < 0 {
		r.left.Add(n)
		return false
	}
	return true
}

// give gives n back.
func (r *room) give(n int64) { r.left.Add(n) }

func noRoom() error {
	err := fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "too much is under way here just now; retry")
	err.RetryAfter = time.Second
	return err
}
