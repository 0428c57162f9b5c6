package main

import (
	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/services/storage/server"
)

// config are the settings of the service.
type config struct {
	Listen        string `help:"Address for callers; loopback only, since no identity is configured." default:"127.0.0.1:9083"`
	InspectListen string `help:"Address for fsck alone; loopback only." default:"127.0.0.1:9084"`
	Ledger        string `help:"Address of the metadata service's ledger." default:"127.0.0.1:9082"`
	engineConfig
	server.Limits
	settings.Process
}

// Validate checks the settings.
func (c *config) Validate() error {
	var check settings.Check
	check.Loopback("listen", c.Listen, "no identity is configured")
	check.Loopback("inspect-listen", c.InspectListen, "no identity is configured")
	check.HostPort("ledger", c.Ledger)
	c.Limits.Check(&check)
	c.Process.Check(&check)
	return check.Err()
}
