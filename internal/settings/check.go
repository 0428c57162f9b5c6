package settings

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
)

// Check collects what is wrong with settings, for a Validate method. The flag
// is named without its dashes.
type Check struct{ errs []error }

// Failf notes that a flag is wrong.
func (c *Check) Failf(flag, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("--%s: %s", flag, fmt.Sprintf(format, args...)))
}

// Err returns everything that was noted, or nil.
func (c *Check) Err() error { return errors.Join(c.errs...) }

// HostPort checks an address to listen on or to dial, host:port. The host may
// be empty for every address of this machine.
func (c *Check) HostPort(flag, address string) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		c.Failf(flag, "%q is not host:port", address)
		return
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		c.Failf(flag, "%q has no port between 0 and 65535", address)
	}
}

// Loopback checks that an address can only be reached from this machine.
func (c *Check) Loopback(flag, address, why string) {
	if !IsLoopback(address) {
		c.Failf(flag, "%q is not a loopback address: %s", address, why)
	}
}

// IsLoopback reports whether the host of a host:port can only be reached from
// this machine.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Positive checks that a duration is above 0.
func (c *Check) Positive(flag string, d time.Duration) {
	if d <= 0 {
		c.Failf(flag, "%v is not above 0", d)
	}
}

// NotNegative checks that a duration is 0 or above.
func (c *Check) NotNegative(flag string, d time.Duration) {
	if d < 0 {
		c.Failf(flag, "%v is below 0", d)
	}
}

// WritableDir checks that a directory takes new files, and makes it, for this
// user only, when it is missing.
func (c *Check) WritableDir(flag, dir string) {
	if dir == "" {
		c.Failf(flag, "no directory given")
		return
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		c.Failf(flag, "%v", err)
		return
	}
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		c.Failf(flag, "%v", err)
		return
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		c.Failf(flag, "%v", err)
	}
}
