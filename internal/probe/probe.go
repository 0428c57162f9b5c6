// Package probe lets a program ask whether a running one like it is ready for
// work. It is the health check of images that have no shell:
//
//	metadata health [--listen=HOST:PORT]
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/internal/rpc"
	healthv1 "github.com/holdfast-files/holdfast/proto/holdfast/health/v1"
)

// timeout bounds a check; whoever asks gives up after not much longer.
const timeout = 3 * time.Second

// Check asks the process that listens on an address, host:port, and returns nil
// when it is ready. Where that is every address of the machine, the loopback
// one is asked.
type Check func(ctx context.Context, address string) error

// Asked carries out the check when args, without the name of the program, ask
// for it, and reports whether they did. The address is that of --listen, else
// of HOLDFAST_LISTEN, else the fallback.
func Asked(args []string, getenv func(string) string, fallback string, check Check) (bool, error) {
	if len(args) == 0 || args[0] != "health" {
		return false, nil
	}
	address := fallback
	if listen := getenv("HOLDFAST_LISTEN"); listen != "" {
		address = listen
	}
	for _, arg := range args[1:] {
		listen, ok := strings.CutPrefix(arg, "--listen=")
		if !ok {
			return true, fmt.Errorf("health: unknown argument %q; want --listen=HOST:PORT", arg)
		}
		address = listen
	}
	return true, check(context.Background(), address)
}

// local returns an address at which a listener of this machine is reached.
func local(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// HTTP asks for /readyz.
func HTTP(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+local(address)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := new(http.Transport).RoundTrip(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", resp.Status)
	}
	return nil
}

// GRPC asks holdfast.health.v1.
func GRPC(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := rpc.Dial(local(address), rpc.DialConfig{})
	if err != nil {
		return err
	}
	_, err = healthv1.NewReadinessServiceClient(conn).Check(ctx, &healthv1.CheckRequest{})
	return errors.Join(err, conn.Close())
}
