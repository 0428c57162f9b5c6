package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/internal/telemetry"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
	"github.com/holdfast-files/holdfast/services/storage/blob/s3blob"
)

// engineConfig are the settings of the engine that keeps the bytes. Here and
// nowhere else the service knows which engines there are. For S3 the SDK's own
// variables (AWS_REGION and others) count too.
type engineConfig struct {
	Engine     string `help:"Where bytes are kept: disk, in the data directory, or s3." enum:"disk,s3" default:"disk"`
	DataDir    string `help:"Directory of the data, for disk; storage uses its folder blobs." default:"data"`
	Bucket     string `help:"Name of the bucket, for s3." placeholder:"NAME"`
	S3Endpoint string `help:"URL of another server than AWS's, for s3." name:"s3-endpoint" placeholder:"URL"`
	S3Memory   int64  `help:"Memory for the parts of all uploads on their way to s3, in MiB." name:"s3-memory" default:"96" placeholder:"MIB"`
}

// check checks the settings.
func (c engineConfig) check(check *settings.Check) {
	if c.Engine == "s3" && c.Bucket == "" {
		check.Failf("bucket", "the engine s3 needs the name of a bucket")
	}
	if c.S3Memory < 64 || c.S3Memory > 1<<20 {
		check.Failf("s3-memory", "%d is not between 64 and 1048576 MiB", c.S3Memory)
	}
}

// open opens the engine.
func (c engineConfig) open(ctx context.Context, logger *slog.Logger, tel *telemetry.Telemetry) (blob.Store, error) {
	switch c.Engine {
	case "disk":
		return diskblob.Open(diskblob.Config{Dir: filepath.Join(c.DataDir, "blobs"), Logger: logger})
	case "s3":
		return s3blob.Open(ctx, s3blob.Config{
			Bucket: c.Bucket, Endpoint: c.S3Endpoint, Logger: logger, MemoryBytes: c.S3Memory << 20, Observe: tel.Outward(),
		})
	default:
		return nil, fmt.Errorf("unknown engine %q", c.Engine)
	}
}
