package ledgertest

import (
	"context"
	"log/slog"

	"github.com/holdfast-files/holdfast/internal/rpc"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/grpc"
)

// Fault says how a call goes wrong, as in faultblob.
type Fault struct {
	// Before, when not nil, is called first, such as to cancel a context.
	Before func()
	// Err, when not nil, is what the call returns.
	Err error
	// Happens tells that the call takes effect all the same.
	Happens bool
}

// Client returns a client that asks faults, when not nil, by the name of the
// method before each call.
func (l *Ledger) Client(faults func(method string) Fault) ledgerv1.LedgerServiceClient {
	local := rpc.NewLocal(rpc.Config{Logger: slog.New(slog.DiscardHandler), Name: "ledger"})
	ledgerv1.RegisterLedgerServiceServer(local, l)
	return ledgerv1.NewLedgerServiceClient(&conn{ClientConnInterface: local, faults: faults})
}

type conn struct {
	grpc.ClientConnInterface
	faults func(method string) Fault
}

func (c *conn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	var f Fault
	if c.faults != nil {
		f = c.faults(method[len("/holdfast.ledger.v1.LedgerService/"):])
	}
	if f.Before != nil {
		f.Before()
	}
	if f.Err == nil {
		return c.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
	}
	if f.Happens {
		// What happens does so wherever the caller is.
		if err := c.ClientConnInterface.Invoke(context.WithoutCancel(ctx), method, args, reply, opts...); err != nil {
			return err
		}
	}
	return f.Err
}
