// Package loopback has addresses of this machine for the programs that tests
// start, and start again after killing them.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// The ports are below those that Linux gives to whoever asks for any
// (net.ipv4.ip_local_port_range begins at 32768), so that nobody gets one by
// chance while the program that it is meant for does not listen yet, or is dead.
const (
	firstPort  = 10_000
	blockPorts = 1000
	blocks     = 10
)

// Free returns so many addresses, HOST:PORT, that nobody listens on. No other
// process that asks this package gets them as long as this one lives, and this
// one again only after hundreds of others.
//
// It returns an error when all are taken. It may be called concurrently.
func Free(n int) ([]string, error) {
	first, err := block()
	if err != nil {
		return nil, err
	}
	given.Lock()
	defer given.Unlock()
	var addresses []string
	for range blockPorts {
		if len(addresses) == n {
			return addresses, nil
		}
		given.last = given.last%(blockPorts-1) + 1
		lis, err := listen(first + given.last)
		if err != nil {
			continue // of somebody else, or of a program that still runs
		}
		addresses = append(addresses, lis.Addr().String())
		if err := lis.Close(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("loopback: none of %d ports from %d on is free", blockPorts, first)
}

// given are the ports of the block that were handed out.
var given struct {
	sync.Mutex
	last int // from 1: the first port marks the block as taken
}

// block takes a block of ports for this process, by listening on the first one
// until the process ends.
var block = sync.OnceValues(func() (int, error) {
	for i := range blocks {
		first := firstPort + i*blockPorts
		if lis, err := listen(first); err == nil {
			mark.Store(&lis)
			return first, nil
		}
	}
	return 0, errors.New("loopback: every block of ports is taken")
})

// mark keeps the listener from being collected, which would close it.
var mark atomic.Pointer[net.Listener]

func listen(port int) (net.Listener, error) {
	return new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
