package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/gateway/transport"
	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"github.com/holdfast-files/holdfast/internal/logging"
	"github.com/holdfast-files/holdfast/internal/rpc"
	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/internal/telemetry"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadata "github.com/holdfast-files/holdfast/services/metadata/server"
	storage "github.com/holdfast-files/holdfast/services/storage/server"
)

// serveCommand runs all three services in one process. Between them there are
// no sockets; to the outside they listen as the separate programs do.
type serveCommand struct {
	Listen         string `help:"Address of the REST gateway; loopback only, since no identity is configured." default:"127.0.0.1:8080"`
	MetadataListen string `help:"Address of the metadata service for gRPC clients; empty for none." default:"127.0.0.1:9081"`
	StorageListen  string `help:"Address of the storage service for gRPC clients; empty for none." default:"127.0.0.1:9083"`
	InspectListen  string `help:"Address at which fsck inspects the running service; empty for none." default:"127.0.0.1:9084"`
	MakeSpace      string `help:"Space to make at the start unless there is one; empty for none." default:"default"`
	MaxConnections int    `help:"HTTP connections at one time." default:"4096"`
	dataDirectory
	metadata.Retention
	storage.Limits
	settings.Process
}

// Validate checks the settings.
func (c *serveCommand) Validate() error {
	var check settings.Check
	for flag, address := range map[string]string{
		"listen": c.Listen, "metadata-listen": c.MetadataListen,
		"storage-listen": c.StorageListen, "inspect-listen": c.InspectListen,
	} {
		if address != "" || flag == "listen" {
			check.Loopback(flag, address, "no identity is configured")
		}
	}
	if c.MaxConnections < 1 {
		check.Failf("max-connections", "%d is not above 0", c.MaxConnections)
	}
	check.WritableDir("data-dir", c.DataDir)
	c.Retention.Check(&check)
	c.Limits.Check(&check)
	c.Process.Check(&check)
	return check.Err()
}

// Run serves until it is told to end.
func (c *serveCommand) Run() error {
	ctx := context.Background()
	tel, logger, err := telemetry.Start(ctx, logging.New(os.Stdout, c.LogLevel), os.Getenv, "holdfast", settings.BuildVersion())
	if err != nil {
		return err
	}
	e, err := c.open(logger)
	if err != nil {
		return err
	}
	return errors.Join(c.serve(ctx, logger, tel, e), e.close())
}

func (c *serveCommand) serve(ctx context.Context, logger *slog.Logger, tel *telemetry.Telemetry, e engines) error {
	records, err := metadata.New(ctx, metadata.Config{Table: e.records, Logger: logger, Retention: c.Retention})
	if err != nil {
		return err
	}
	if c.MakeSpace != "" {
		if err := records.EnsureSpace(ctx, c.MakeSpace); err != nil {
			return err
		}
	}
	readiness := new(lifecycle.Readiness)
	inside := rpc.NewLocal(rpc.Config{Logger: logger, Name: "local", Unary: append(tel.LocalUnary(), records.Dispatcher()...)})
	records.Register(inside)
	ledger := rpc.NewLocal(rpc.Config{
		Logger: logger, Name: "ledger", Unary: append(tel.LocalUnary(), records.LedgerDispatcher(metadata.SameProcess)...),
	})
	records.RegisterLedger(ledger)
	bytes := storage.New(storage.Config{
		Blobs: e.blobs, Ledger: ledgerv1.NewLedgerServiceClient(ledger), Logger: logger, Limits: c.Limits,
	})
	if err := errors.Join(records.Observe(tel.Meters), bytes.Observe(tel.Meters)); err != nil {
		return err
	}
	handler, err := rest.New(rest.Config{
		Metadata: inside, Content: bytes.Content(), Logger: logger, Open: true, Ready: readiness.Err, Edge: tel.Edge(),
	})
	if err != nil {
		return err
	}
	components := []lifecycle.Component{tel.Component(), {Name: "sweeper", Run: bytes.Run}}
	door := rpc.Config{Logger: logger, Readiness: readiness, Stats: tel.ServerStats()}
	asked := door
	asked.Unary = records.Dispatcher()
	outside := []struct {
		address string
		server  *rpc.Server
	}{
		{c.InspectListen, rpc.New(named(door, "inspection"))},
		{c.StorageListen, rpc.New(reflected(named(door, "storage")))},
		{c.MetadataListen, rpc.New(reflected(named(asked, "metadata")))},
	}
	bytes.RegisterInspection(outside[0].server)
	bytes.Register(outside[1].server)
	records.Register(outside[2].server)
	for _, o := range outside {
		if o.address == "" {
			continue
		}
		listeners, err := rpc.Listen(ctx, o.address)
		if err != nil {
			return err
		}
		components = append(components, o.server.Component(listeners[0]))
	}
	listeners, err := rpc.Listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	web := transport.NewServer(transport.Config{Handler: handler, Logger: logger, Malformed: rest.Malformed})
	components = append(components, lifecycle.HTTP("gateway", web, transport.Limit(listeners[0], c.MaxConnections)))
	logger.Info("holdfast is ready: open to everybody on this machine, since no identity is configured",
		"url", "http://"+strings.Replace(c.Listen, "127.0.0.1", "localhost", 1), "data_dir", c.DataDir)
	return lifecycle.Run(ctx, logger, c.Lifecycle(readiness), components...)
}

func named(c rpc.Config, name string) rpc.Config {
	c.Name = name
	return c
}

func reflected(c rpc.Config) rpc.Config {
	c.Reflection = true
	return c
}
