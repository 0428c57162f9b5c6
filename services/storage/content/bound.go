package content

import (
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// bound is how long contents may become, as the ledger said when they began;
// there is none without a reason. It only saves bytes that would be stored in
// vain: what binds is the commit.
type bound struct {
	bytes  int64
	reason errorsv1.Reason
}

func (b bound) exceeded(bytes int64) bool {
	return b.reason != errorsv1.Reason_REASON_UNSPECIFIED && bytes > b.bytes
}

func (b bound) error() error {
	return fault.New(b.reason, "there is no room for contents longer than %d bytes", b.bytes)
}
