// Command storage runs the storage service: it moves the bytes of files, over
// gRPC, and sweeps away those that no record refers to any more.
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
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/server"
)

func main() {
	if err := run(); err != nil {
		if code := settings.ExitCode(err); code != 0 {
			fmt.Fprintln(os.Stderr, "storage:", err)
			os.Exit(code)
		}
	}
}

func run() error {
	if asked, err := probe.Asked(os.Args[1:], os.Getenv, "127.0.0.1:9083", probe.GRPC); asked {
		return err
	}
	var c config
	program := settings.Program{Name: "storage", Description: "The storage service of Holdfast.", Version: settings.BuildVersion(), Output: os.Stdout}
	if _, err := program.Parse(os.Args[1:], os.Environ(), &c); err != nil {
		return err
	}
	ctx := context.Background()
	tel, logger, err := telemetry.Start(ctx, logging.New(os.Stdout, c.LogLevel), os.Getenv, program.Name, program.Version)
	if err != nil {
		return err
	}
	blobs, err := c.open(ctx, logger, tel)
	if err != nil {
		return err
	}
	return errors.Join(serve(ctx, logger, tel, c, blobs), blobs.Close())
}

func serve(ctx context.Context, logger *slog.Logger, tel *telemetry.Telemetry, c config, blobs blob.Store) error {
	conn, err := c.ledger(ctx, logger, tel)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is in flight any more
	service := server.New(server.Config{
		Blobs: blobs, Ledger: ledgerv1.NewLedgerServiceClient(conn), Logger: logger, Limits: c.Limits,
	})
	readiness := new(lifecycle.Readiness)
	door, err := c.door(logger, tel, readiness)
	if err := errors.Join(err, service.Observe(tel.Meters)); err != nil {
		return err
	}
	inspection := door
	door.Reflection, inspection.Name = true, "inspection"
	public, private := rpc.New(door), rpc.New(inspection)
	service.Register(public)
	service.RegisterInspection(private)
	listeners, err := rpc.Listen(ctx, c.Listen, c.InspectListen)
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "storage listens", slog.String("listen", c.Listen), slog.String("inspect_listen", c.InspectListen), slog.String("engine", c.Engine))
	return lifecycle.Run(ctx, logger, c.Lifecycle(readiness, service.Start), tel.Component(),
		lifecycle.Component{Name: "sweeper", Run: service.Run},
		private.Component(listeners[1]), public.Component(listeners[0]))
}
