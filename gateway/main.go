// Command gateway runs the REST face of Holdfast in front of the metadata and
// storage services.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/holdfast-files/holdfast/gateway/content"
	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/gateway/transport"
	"github.com/holdfast-files/holdfast/internal/certificate"
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
			fmt.Fprintln(os.Stderr, "gateway:", err)
			os.Exit(code)
		}
	}
}

func run() error {
	if asked, err := probe.Asked(os.Args[1:], os.Getenv, "127.0.0.1:8080", probe.HTTP); asked {
		return err
	}
	var c config
	program := settings.Program{Name: "gateway", Description: "The REST gateway of Holdfast.", Version: settings.BuildVersion(), Output: os.Stdout}
	if _, err := program.Parse(os.Args[1:], os.Environ(), &c); err != nil {
		return err
	}
	ctx := context.Background()
	tel, logger, err := telemetry.Start(ctx, logging.New(os.Stdout, c.LogLevel), os.Getenv, program.Name, program.Version)
	if err != nil {
		return err
	}
	own, errServer := c.Server(certificate.Optional, logger)
	peers, errClient := c.Client(logger)
	if err := errors.Join(errServer, errClient); err != nil {
		return err
	}
	metadata, err := rpc.Dial(c.Metadata, rpc.DialConfig{Reads: reads, TLS: peers, Stats: tel.ClientStats()})
	if err != nil {
		return err
	}
	defer metadata.Close() //nolint:errcheck // nothing is in flight any more
	storage, err := rpc.Dial(c.Storage, rpc.DialConfig{TLS: peers, Stats: tel.ClientStats()})
	if err != nil {
		return err
	}
	defer storage.Close() //nolint:errcheck // as above
	rpc.AwaitReady(ctx, logger, metadata, storage)
	readiness, bytes := new(lifecycle.Readiness), content.NewClient(storage)
	handler, err := rest.New(rest.Config{
		Metadata: metadata, Content: bytes, Uploads: bytes, Logger: logger, Open: c.open(), Origins: c.CORSOrigins,
		Ready: readiness.Err, Edge: tel.Edge(), Bounds: c.Bounds,
	})
	if err != nil {
		return err
	}
	listeners, err := rpc.Listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	server := transport.NewServer(transport.Config{Handler: handler, Logger: logger, Malformed: rest.Malformed})
	logger.InfoContext(ctx, "gateway is ready",
		slog.String("listen", c.Listen), slog.String("metadata", c.Metadata), slog.String("storage", c.Storage))
	return lifecycle.Run(ctx, logger, c.Lifecycle(readiness, nil), tel.Component(),
		lifecycle.HTTP("gateway", server, transport.Secure(transport.Limit(listeners[0], c.Connections, c.Proxies()...), own)))
}
