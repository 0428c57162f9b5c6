package main

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
)

// engineConfig are the settings of the engine that keeps the bytes. Here and
// nowhere else the service knows which engines there are.
type engineConfig struct {
	Engine  string `help:"Where bytes are kept: disk, in the data directory." enum:"disk" default:"disk"`
	DataDir string `help:"Directory of the data; storage uses its folder blobs." default:"data"`
}

// open opens the engine.
func (c engineConfig) open(logger *slog.Logger) (blob.Store, error) {
	switch c.Engine {
	case "disk":
		return diskblob.Open(diskblob.Config{Dir: filepath.Join(c.DataDir, "blobs"), Logger: logger})
	default:
		return nil, fmt.Errorf("unknown engine %q", c.Engine)
	}
}
