package content

import (
	"io"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// heldMemory is what the body of an append may hold, in bytes, without being
// charged for it: a client that is slow sends small chunks.
const heldMemory = 64 << 10

// holder is a body that holds bytes until they are read, such as a chunk of gRPC,
// which is received whole.
type holder interface{ HeldBytes() int64 }

// held charges an append for what its body holds beyond heldMemory. That is known
// only when it is there, so an append does not wait for the memory, which would
// hold what it waits for: it ends as one that comes when there is none, and what
// came before is kept.
type held struct {
	body   holder // nil for one that holds nothing
	budget *budget
	taken  int64
}

func newHeld(body io.Reader, budget *budget) held {
	b, _ := body.(holder)
	return held{body: b, budget: budget}
}

// settle takes or gives back what the body holds now; UNAVAILABLE when there is
// no memory for it.
func (h *held) settle() error {
	if h.body == nil {
		return nil
	}
	holds := max(0, h.body.HeldBytes()-heldMemory)
	switch {
	case holds < h.taken:
		h.budget.release(h.taken - holds)
	case holds > h.taken && !h.budget.try(holds-h.taken):
		return fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "too many uploads at once; retry")
	}
	h.taken = holds
	return nil
}

func (h *held) release() {
	h.budget.release(h.taken)
	h.taken = 0
}
