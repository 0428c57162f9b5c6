package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/gateway/transport"
	"github.com/holdfast-files/holdfast/internal/certificate"
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
	Listen         string `help:"Address of the REST gateway; loopback only as long as no identity is configured." default:"127.0.0.1:8080"`
	MetadataListen string `help:"Address of the metadata service for gRPC clients; empty for none." default:"127.0.0.1:9081"`
	StorageListen  string `help:"Address of the storage service for gRPC clients; empty for none." default:"127.0.0.1:9083"`
	InspectListen  string `help:"Address at which fsck inspects the running service; empty for none." default:"127.0.0.1:9084"`
	MakeSpace      string `help:"Space to make at the start unless there is one; empty for none." default:"default"`
	dataDirectory
	metadata.Retention
	metadata.Allowance
	metadata.Identity
	metadata.Rates
	storage.Limits
	certificate.Settings
	rest.Pages
	rest.Bounds
	transport.Connections
	settings.Process
}

// Validate checks the settings.
func (c *serveCommand) Validate() error {
	var check settings.Check
	addresses := map[string]string{
		"listen": c.Listen, "metadata-listen": c.MetadataListen, "storage-listen": c.StorageListen,
	}
	for flag, address := range addresses {
		if !c.Configured() && (address != "" || flag == "listen") {
			check.Loopback(flag, address, "no identity is configured")
		}
	}
	if c.InspectListen != "" {
		check.Loopback("inspect-listen", c.InspectListen, "only operators inspect")
	}
	if c.firstKey() && c.MakeSpace == "" {
		check.Failf("make-space", "must name the space that the first administrator's key belongs to, or give --bootstrap-key-file")
	}
	c.Settings.Check(&check, addresses)
	c.Identity.Check(&check)
	c.Connections.Check(&check)
	check.WritableDir("data-dir", c.DataDir)
	c.Retention.Check(&check)
	c.Allowance.Check(&check)
	c.Rates.Check(&check)
	c.Limits.Check(&check)
	c.Pages.Check(&check)
	c.Bounds.Check(&check)
	c.Process.Check(&check)
	return check.Err()
}

// firstKey reports whether the first administrator's key is to be made: he has
// no other way in.
func (c *serveCommand) firstKey() bool {
	return c.Auth && c.BootstrapKey == "" && c.BootstrapKeyFile == ""
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
	records, err := metadata.New(ctx, metadata.Config{
		Table: e.records, Logger: logger, Retention: c.Retention, Allowance: c.Allowance, Identity: c.Identity, Rates: c.Rates, Meters: tel.Meters,
		Audit: os.Stdout,
	})
	if err != nil {
		return err
	}
	if err := c.prepare(ctx, records); err != nil {
		return err
	}
	own, err := c.Server(certificate.Optional, logger)
	if err != nil {
		return err
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
		Metadata: inside, Content: bytes.Content(), Uploads: bytes.Content(), Logger: logger, Open: !c.Configured(), Origins: c.CORSOrigins,
		Ready: readiness.Err, Edge: tel.Edge(), Bounds: c.Bounds,
	})
	if err != nil {
		return err
	}
	components := []lifecycle.Component{
		tel.Component(), {Name: "records", Run: e.records.Watch}, {Name: "sweeper", Run: bytes.Run}, records.Component(),
	}
	door := rpc.Config{Logger: logger, Readiness: readiness, Stats: tel.ServerStats(), TLS: own}
	asked := door
	asked.Unary, asked.Stream = records.Dispatcher(), records.StreamDispatcher()
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
	listener := transport.Secure(transport.Limit(listeners[0], c.Connections, c.Proxies()...), own)
	components = append(components, lifecycle.HTTP("gateway", web, listener))
	logger.InfoContext(ctx, "holdfast is ready", slog.String("callers", c.callers()), slog.String("url", c.url()), slog.String("data_dir", c.DataDir))
	return lifecycle.Run(ctx, logger, c.Lifecycle(readiness, nil), components...)
}

// prepare makes what there has to be before anybody calls. The first
// administrator's key goes to the terminal and never into the log.
func (c *serveCommand) prepare(ctx context.Context, records *metadata.Server) error {
	if err := records.Start(ctx, c.MakeSpace); err != nil || !c.firstKey() {
		return err
	}
	key, err := records.Bootstrap(ctx, c.MakeSpace)
	if err != nil || key == "" {
		return err
	}
	_, err = fmt.Fprintf(os.Stderr, "The first administrator's key, shown this once:\n\n    %s\n\n", key)
	return err
}

// callers says who may call.
func (c *serveCommand) callers() string {
	if c.Configured() {
		return "prove who they are"
	}
	return "everybody on this machine, since no identity is configured"
}

func (c *serveCommand) url() string {
	scheme := "http://"
	if c.TLSCert != "" {
		scheme = "https://"
	}
	return scheme + strings.Replace(c.Listen, "127.0.0.1", "localhost", 1)
}

func named(c rpc.Config, name string) rpc.Config {
	c.Name = name
	return c
}

func reflected(c rpc.Config) rpc.Config {
	c.Reflection = true
	return c
}
