package main

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/holdfast-files/holdfast/internal/certificate"
	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"github.com/holdfast-files/holdfast/internal/rpc"
	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/internal/telemetry"
	"github.com/holdfast-files/holdfast/services/storage/server"
)

// config are the settings of the service. It asks nobody who he is: metadata
// does, at each call that storage makes for a caller.
type config struct {
	Listen           string         `help:"Address for callers." default:"127.0.0.1:9083"`
	InspectListen    string         `help:"Address for fsck alone; loopback only." default:"127.0.0.1:9084"`
	Ledger           string         `help:"Address of the metadata service's ledger." default:"127.0.0.1:9082"`
	LedgerToken      string         `help:"Credential of this service at the ledger; the first one, of several with white space between them." placeholder:"TOKEN" group:"Ledger"`
	LedgerTokenFile  string         `help:"File that holds it." placeholder:"FILE" group:"Ledger"`
	TrustedPeers     []netip.Prefix `help:"Networks of gateways, whose word is taken for where a caller is; loopback when empty." placeholder:"CIDR"`
	MaxConnectionAge time.Duration  `help:"Age at which a connection ends, so that its client learns of processes that were added; calls in hand go on." default:"30m" placeholder:"DURATION"`
	engineConfig
	server.Limits
	certificate.Settings
	settings.Process
}

// Validate checks the settings.
func (c *config) Validate() error {
	var check settings.Check
	check.Loopback("inspect-listen", c.InspectListen, "only operators inspect")
	check.HostPort("ledger", c.Ledger)
	check.Secrets("ledger-token", c.LedgerToken, c.LedgerTokenFile)
	c.Settings.Check(&check, map[string]string{"listen": c.Listen, "inspect-listen": c.InspectListen})
	c.check(&check)
	c.Limits.Check(&check)
	check.Positive("max-connection-age", c.MaxConnectionAge)
	c.Process.Check(&check)
	return check.Err()
}

// ledger connects to the ledger, and gives it a moment to be there.
func (c *config) ledger(ctx context.Context, logger *slog.Logger, tel *telemetry.Telemetry) (*grpc.ClientConn, error) {
	token, err := settings.ReadSecret(c.LedgerToken, c.LedgerTokenFile)
	if err != nil {
		return nil, err
	}
	peers, err := c.Client(logger)
	if err != nil {
		return nil, err
	}
	conn, err := rpc.Dial(c.Ledger, rpc.DialConfig{
		TLS: peers, Token: firstField(token), Stats: tel.ClientStats(),
		Reads: []string{"holdfast.ledger.v1.LedgerService/Locate", "holdfast.ledger.v1.LedgerService/Audit"},
	})
	if err == nil {
		rpc.AwaitReady(ctx, logger, conn)
	}
	return conn, err
}

// firstField returns what comes before any white space.
func firstField(text string) string {
	for field := range strings.FieldsSeq(text) {
		return field
	}
	return ""
}

// door returns how callers come in.
func (c *config) door(logger *slog.Logger, tel *telemetry.Telemetry, readiness *lifecycle.Readiness) (rpc.Config, error) {
	own, err := c.Server(certificate.Optional, logger)
	return rpc.Config{
		Logger: logger, Name: "storage", Readiness: readiness, Stats: tel.ServerStats(), TLS: own,
		TrustedPeers: c.TrustedPeers, MaxConnectionAge: c.MaxConnectionAge,
	}, err
}
