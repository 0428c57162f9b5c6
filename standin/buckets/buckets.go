// Package buckets runs versitygw, a server of S3's protocol, on a directory.
package buckets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// Config says where the server listens and keeps its objects.
type Config struct {
	Listen    string
	Dir       string // made when it is not there
	AccessKey string
	SecretKey string
	Region    string
}

// Connections and requests at a time.
const (
	connections = 4096
	requests    = 1024
	maxParts    = 10_000 // of an upload, as S3
)

// Run serves until ctx ends. It changes the working directory of the process to
// that of the objects, and can run once in a process.
func Run(ctx context.Context, c Config) error {
	objects, sidecar := filepath.Join(c.Dir, "objects"), filepath.Join(c.Dir, "attributes")
	for _, dir := range []string{objects, sidecar} {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a stand-in's data
			return err
		}
	}
	var options posix.PosixOpts
	var attributes meta.MetadataStorer = meta.XattrMeta{}
	if (meta.XattrMeta{}).Test(objects) != nil {
		// A file system without extended attributes, such as that of a container.
		beside, err := meta.NewSideCar(sidecar)
		if err != nil {
			return err
		}
		attributes, options.SideCarDir = beside, sidecar
	}
	options.Concurrency = requests
	engine, err := posix.New(objects, attributes, options)
	if err != nil {
		return fmt.Errorf("objects in %s: %w", objects, err)
	}
	return embedgw.RunVersityGW(ctx, engine, &embedgw.Config{
		RootUserAccess: c.AccessKey, RootUserSecret: c.SecretKey, Region: c.Region,
		Ports: []string{c.Listen}, KeepAlive: true, Quiet: true,
		MaxConnections: connections, MaxRequests: requests, MultipartMaxParts: maxParts,
	})
}
