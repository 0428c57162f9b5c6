package table

import (
	"errors"
	"fmt"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// ErrNotFound tells that there is no item under the key.
var ErrNotFound = errors.New("table: no such item")

// ErrInvalid tells that a call breaks the contract; it is a defect of the caller.
var ErrInvalid = fault.New(errorsv1.Reason_REASON_INTERNAL, "table: invalid call")

// ConditionError tells that conditions of a Commit did not hold; nothing was
// written.
type ConditionError struct {
	// Failed are the indexes of the writes whose conditions did not hold. An
	// adapter names at least one.
	Failed []int
}

// Error names the writes.
func (e *ConditionError) Error() string {
	return fmt.Sprintf("table: condition failed for writes %v", e.Failed)
}

// FailedAt reports whether the condition of write i is known not to hold.
func (e *ConditionError) FailedAt(i int) bool {
	for _, f := range e.Failed {
		if f == i {
			return true
		}
	}
	return false
}
