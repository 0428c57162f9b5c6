package main

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/holdfast-files/holdfast/services/metadata/table"
	"github.com/holdfast-files/holdfast/services/metadata/table/pebbletable"
)

// engineConfig are the settings of the engine that keeps the records. Here and
// nowhere else the service knows which engines there are.
type engineConfig struct {
	Engine  string `help:"Where records are kept: pebble, in the data directory." enum:"pebble" default:"pebble"`
	DataDir string `help:"Directory of the data; metadata uses its folder metadata." default:"data"`
}

// open opens the engine.
func (c engineConfig) open(logger *slog.Logger) (table.Table, error) {
	switch c.Engine {
	case "pebble":
		return pebbletable.Open(pebbletable.Config{Dir: filepath.Join(c.DataDir, "metadata"), Logger: logger})
	default:
		return nil, fmt.Errorf("unknown engine %q", c.Engine)
	}
}
