package main

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/internal/certificate"
	"github.com/holdfast-files/holdfast/internal/rpc"
	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/internal/telemetry"
	"github.com/holdfast-files/holdfast/services/metadata/server"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// config are the settings of the service.
type config struct {
	Listen           string         `help:"Address for callers; loopback only as long as no identity is configured." default:"127.0.0.1:9081"`
	LedgerListen     string         `help:"Address for the storage service alone." default:"127.0.0.1:9082"`
	Space            string         `help:"Space to make at the start unless there is one; empty for none." default:"default"`
	TrustedPeers     []netip.Prefix `help:"Networks of gateways and storage services, whose word is taken for where a caller is; loopback when empty." placeholder:"CIDR"`
	MaxConnectionAge time.Duration  `help:"Age at which a connection ends, so that its client learns of processes that were added; calls in hand go on." default:"30m" placeholder:"DURATION"`
	ledgerConfig
	engineConfig
	server.Retention
	server.Allowance
	server.Identity
	server.Rates
	certificate.Settings
	settings.Process
}

// ledgerConfig are the settings of what storage and metadata share.
type ledgerConfig struct {
	LedgerToken     string `help:"Credential of the storage service, at least 32 characters; with white space between them several, of which each is taken." placeholder:"TOKEN" group:"Ledger"`
	LedgerTokenFile string `help:"File that holds it." placeholder:"FILE" group:"Ledger"`
	LedgerClient    string `help:"Name in the certificate of the storage service, where TLS is mutual." default:"storage" placeholder:"NAME" group:"Ledger"`
	GrantKey        string `help:"Key that seals grants and page tokens, at least 32 characters; of several, with white space between them, the first seals and each opens; by default one that is kept with the records." placeholder:"KEY" group:"Ledger"`
	GrantKeyFile    string `help:"File that holds it." placeholder:"FILE" group:"Ledger"`
}

// Validate checks the settings.
func (c *config) Validate() error {
	var check settings.Check
	if !c.Configured() {
		check.Loopback("listen", c.Listen, "no identity is configured")
	}
	if !c.proven() {
		if c.Configured() {
			check.Failf("ledger-token", "must be given, or --tls-cert and --tls-ca: else anybody could be the storage service")
		}
		check.Loopback("ledger-listen", c.LedgerListen, "the storage service has no credential")
	}
	check.Secrets("ledger-token", c.LedgerToken, c.LedgerTokenFile)
	check.Secrets("grant-key", c.GrantKey, c.GrantKeyFile)
	c.Settings.Check(&check, map[string]string{"listen": c.Listen, "ledger-listen": c.LedgerListen})
	c.Identity.Check(&check)
	c.check(&check)
	c.Retention.Check(&check)
	c.Allowance.Check(&check)
	c.Rates.Check(&check)
	check.Positive("max-connection-age", c.MaxConnectionAge)
	c.Process.Check(&check)
	return check.Err()
}

// mutual reports whether storage shows a certificate.
func (c *config) mutual() bool { return c.TLSCert != "" && c.TLSCA != "" }

// proven reports whether storage proves itself at all.
func (c *config) proven() bool {
	return c.mutual() || c.LedgerToken != "" || c.LedgerTokenFile != ""
}

// proof returns how storage proves itself: by its token, its certificate or
// both, whatever is configured.
func (c *config) proof() (func(context.Context) error, error) {
	token, err := settings.ReadSecret(c.LedgerToken, c.LedgerTokenFile)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if c.mutual() {
			if err := rpc.CheckServiceName(ctx, c.LedgerClient); err != nil {
				return err
			}
		}
		if token != "" {
			return rpc.CheckServiceToken(ctx, strings.Fields(token)...)
		}
		return nil
	}, nil
}

// service opens the service over its records.
func (c *config) service(
	ctx context.Context, logger *slog.Logger, tel *telemetry.Telemetry, records table.Table,
) (*server.Server, error) {
	seal, err := settings.ReadSecret(c.GrantKey, c.GrantKeyFile)
	if err != nil {
		return nil, err
	}
	service, err := server.New(ctx, server.Config{
		Table: records, Logger: logger, Retention: c.Retention, Allowance: c.Allowance, Seal: seal, Identity: c.Identity, Rates: c.Rates,
		Audit: os.Stdout, Meters: tel.Meters,
	})
	if err != nil {
		return nil, err
	}
	return service, service.Observe(tel.Meters)
}

// doors returns how callers and storage come in.
func (c *config) doors(common rpc.Config, service *server.Server) (public, ledger rpc.Config, err error) {
	proof, err := c.proof()
	if err != nil {
		return public, ledger, err
	}
	common.TrustedPeers, common.MaxConnectionAge = c.TrustedPeers, c.MaxConnectionAge
	public, ledger = common, common
	public.Name, public.Reflection, public.Unary = "metadata", true, service.Dispatcher()
	ledger.Name, ledger.Unary = "ledger", service.LedgerDispatcher(proof)
	public.Stream, ledger.Stream = service.StreamDispatcher(), service.StreamDispatcher()
	if public.TLS, err = c.Server(certificate.Optional, common.Logger); err != nil {
		return public, ledger, err
	}
	clients := certificate.Optional
	if c.mutual() {
		clients = certificate.Required
	}
	ledger.TLS, err = c.Server(clients, common.Logger)
	return public, ledger, err
}
