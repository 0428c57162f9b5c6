package main

import (
	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/services/metadata/server"
)

// config are the settings of the service.
type config struct {
	Listen       string `help:"Address for callers; loopback only, since no identity is configured." default:"127.0.0.1:9081"`
	LedgerListen string `help:"Address for the storage service alone; loopback only." default:"127.0.0.1:9082"`
	Space        string `help:"Space to make at the start unless there is one; empty for none." default:"default"`
	engineConfig
	server.Retention
	settings.Process
}

// Validate checks the settings.
func (c *config) Validate() error {
	var check settings.Check
	check.Loopback("listen", c.Listen, "no identity is configured")
	check.Loopback("ledger-listen", c.LedgerListen, "no identity is configured")
	c.Retention.Check(&check)
	c.Process.Check(&check)
	return check.Err()
}
