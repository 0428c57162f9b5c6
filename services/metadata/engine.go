package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/internal/telemetry"
	"github.com/holdfast-files/holdfast/services/metadata/table"
	"github.com/holdfast-files/holdfast/services/metadata/table/dynamotable"
	"github.com/holdfast-files/holdfast/services/metadata/table/pebbletable"
)

// engineConfig are the settings of the engine that keeps the records. Here and
// nowhere else the service knows which engines there are. For DynamoDB the
// SDK's own variables (AWS_REGION and others) count too.
type engineConfig struct {
	Engine           string `help:"Where records are kept: pebble, in the data directory, or dynamodb." enum:"pebble,dynamodb" default:"pebble"`
	DataDir          string `help:"Directory of the data, for pebble; metadata uses its folder metadata." default:"data"`
	Table            string `help:"Name of the table, for dynamodb." placeholder:"NAME"`
	DynamoDBEndpoint string `help:"URL of another server than AWS's, for dynamodb." name:"dynamodb-endpoint" placeholder:"URL"`
}

// check checks the settings.
func (c engineConfig) check(check *settings.Check) {
	if c.Engine == "dynamodb" && c.Table == "" {
		check.Failf("table", "the engine dynamodb needs the name of a table")
	}
}

// engine is the open engine.
type engine struct {
	table.Table
	// watch returns when the engine must be opened anew; nil when that is never.
	watch func(context.Context) error
}

// open opens the engine.
func (c engineConfig) open(ctx context.Context, logger *slog.Logger, tel *telemetry.Telemetry) (engine, error) {
	switch c.Engine {
	case "pebble":
		records, err := pebbletable.Open(pebbletable.Config{Dir: filepath.Join(c.DataDir, "metadata"), Logger: logger})
		if err != nil {
			return engine{}, err
		}
		return engine{Table: records, watch: records.Watch}, nil
	case "dynamodb":
		records, err := dynamotable.Open(ctx, dynamotable.Config{Table: c.Table, Endpoint: c.DynamoDBEndpoint, Observe: tel.Outward()})
		return engine{Table: records}, err
	default:
		return engine{}, fmt.Errorf("unknown engine %q", c.Engine)
	}
}
