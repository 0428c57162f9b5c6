package diskblob

import (
	"context"
	"errors"
	"io"
)

// body reads what a blob is to hold.
type body struct {
	r io.Reader
}

// maxEmptyReads is how often a reader may return nothing at all before it
// counts as broken.
const maxEmptyReads = 100

var errRead = errors.New("diskblob: body returned an impossible count from Read")

// fill reads until b is full or the body has ended. The body has ended when it
// returns io.EOF, nothing that wraps it and not io.ErrUnexpectedEOF. ctx is
// looked at between reads.
func (o *body) fill(ctx context.Context, b []byte) (n int, ended bool, err error) {
	empty := 0
	for n < len(b) {
		if err := ctx.Err(); err != nil {
			return n, false, err
		}
		m, err := o.r.Read(b[n:])
		if m < 0 || m > len(b)-n {
			return n, false, errRead
		}
		n += m
		if err == io.EOF {
			return n, true, ctx.Err()
		}
		if err != nil {
			return n, false, err
		}
		if m > 0 {
			empty = 0
		} else if empty++; empty == maxEmptyReads {
			return n, false, io.ErrNoProgress
		}
	}
	return n, false, nil
}
