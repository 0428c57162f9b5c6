package rpc

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

// startTimeout is how long a service that starts waits for those it calls.
const startTimeout = 5 * time.Second

// AwaitReady connects and waits until the targets are reached, for five seconds
// or until the end of ctx. So services may start in any order, and the first
// caller of one that is ready is not told that another is not. Whether they
// were reached is logged, not returned: a target that is away is no reason not
// to start.
func AwaitReady(ctx context.Context, logger *slog.Logger, conns ...*grpc.ClientConn) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for _, conn := range conns {
		conn.Connect()
	}
	for _, conn := range conns {
		if !reached(ctx, conn) {
			logger.WarnContext(ctx, "starting without a service that is called", slog.String("target", conn.Target()))
		}
	}
}

func reached(ctx context.Context, conn *grpc.ClientConn) bool {
	for {
		state := conn.GetState()
		if state == connectivity.Ready {
			return true
		}
		if !conn.WaitForStateChange(ctx, state) {
			return false
		}
		conn.Connect() // one that was idle, or gave up
	}
}
