package main

import (
	"context"

	"github.com/holdfast-files/holdfast/internal/probe"
)

// healthCommand is the health check of an image, which has no shell.
type healthCommand struct {
	Listen string `help:"Address on which the service listens." default:"127.0.0.1:8080"`
}

// Run asks for /readyz.
func (c *healthCommand) Run(ctx context.Context) error { return probe.HTTP(ctx, c.Listen) }
