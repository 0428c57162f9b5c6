// Command metadata runs the metadata service: names, folders, revisions,
// uploads and access, over gRPC.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"github.com/holdfast-files/holdfast/internal/logging"
	"github.com/holdfast-files/holdfast/internal/probe"
	"github.com/holdfast-files/holdfast/internal/rpc"
	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/internal/telemetry"
)

func main() {
	if err := run(); err != nil {
		if code := settings.ExitCode(err); code != 0 {
			fmt.Fprintln(os.Stderr, "metadata:", err)
			os.Exit(code)
		}
	}
}

func run() error {
	if asked, err := probe.Asked(os.Args[1:], os.Getenv, "127.0.0.1:9081", probe.GRPC); asked {
		return err
	}
	var c config
	program := settings.Program{
		Name: "metadata", Description: "The metadata service of Holdfast.", Version: settings.BuildVersion(), Output: os.Stdout,
	}
	if _, err := program.Parse(os.Args[1:], os.Environ(), &c); err != nil {
		return err
	}
	ctx := context.Background()
	tel, logger, err := telemetry.Start(ctx, logging.New(os.Stdout, c.LogLevel), os.Getenv, program.Name, program.Version)
	if err != nil {
		return err
	}
	records, err := c.open(ctx, logger, tel)
	if err != nil {
		return err
	}
	return errors.Join(serve(ctx, logger, tel, c, records), records.Close())
}

func serve(ctx context.Context, logger *slog.Logger, tel *telemetry.Telemetry, c config, records engine) error {
	service, err := c.service(ctx, logger, tel, records.Table)
	if err != nil {
		return err
	}
	readiness := new(lifecycle.Readiness)
	door, ledger, err := c.doors(rpc.Config{Logger: logger, Readiness: readiness, Stats: tel.ServerStats()}, service)
	if err != nil {
		return err
	}
	public, private := rpc.New(door), rpc.New(ledger)
	service.Register(public)
	service.RegisterLedger(private)
	listeners, err := rpc.Listen(ctx, c.Listen, c.LedgerListen)
	if err != nil {
		return err
	}
	prepare := func(ctx context.Context) error { return service.Start(ctx, c.Space) }
	logger.InfoContext(ctx, "metadata listens", slog.String("listen", c.Listen), slog.String("ledger_listen", c.LedgerListen),
		slog.String("engine", c.Engine), slog.Bool("identity", c.Configured()), slog.Bool("tls", door.TLS != nil))
	return lifecycle.Run(ctx, logger, c.Lifecycle(readiness, prepare), tel.Component(),
		lifecycle.Component{Name: "records", Run: records.watch}, service.Component(),
		private.Component(listeners[1]), public.Component(listeners[0]))
}
