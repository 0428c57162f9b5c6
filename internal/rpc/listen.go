package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Listen opens a listener on each address, or none: when one fails, those that
// were opened are closed.
func Listen(ctx context.Context, addresses ...string) ([]net.Listener, error) {
	var config net.ListenConfig
	var open []net.Listener
	for _, address := range addresses {
		lis, err := config.Listen(ctx, "tcp", address)
		if err != nil {
			err = fmt.Errorf("listen on %s: %w", address, err)
			for _, other := range open {
				err = errors.Join(err, other.Close())
			}
			return nil, err
		}
		open = append(open, lis)
	}
	return open, nil
}
