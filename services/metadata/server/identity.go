package server

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/identity"
)

// Identity are the settings that say who may call. Without any, the service is
// open to everybody on this machine and nobody else.
type Identity struct {
	Auth             bool     `help:"Ask every caller for a credential. An issuer or a bootstrap key imply it." group:"Identity"`
	BootstrapKey     string   `help:"Key of the first administrator, at least 32 characters; as a variable or a file it stays out of the list of processes." placeholder:"KEY" group:"Identity"`
	BootstrapKeyFile string   `help:"File that holds the bootstrap key." placeholder:"FILE" group:"Identity"`
	OIDCIssuer       string   `name:"oidc-issuer" help:"Issuer of the bearer tokens that are taken, exactly as they name it." placeholder:"URL" group:"Identity"`
	OIDCAudience     []string `name:"oidc-audience" help:"Audiences, separated by commas, of which a token must be for one; a token without aud must have it as client_id." placeholder:"NAME" group:"Identity"`
	OIDCDiscovery    bool     `name:"oidc-discovery" help:"Fetch the issuer's keys from where its /.well-known/openid-configuration says." group:"Identity"`
	JWKS             string   `name:"jwks" help:"The issuer's keys, a JSON Web Key Set, for where it can't be reached." placeholder:"JSON" group:"Identity"`
	JWKSFile         string   `name:"jwks-file" help:"File that holds the issuer's keys; read again when it changes." placeholder:"FILE" group:"Identity"`
	OIDCGroupsClaim  string   `name:"oidc-groups-claim" help:"Claim of a token that lists groups, such as cognito:groups." default:"groups" placeholder:"NAME" group:"Identity"`
	AuditLog         bool     `help:"Write a line for every access decision." default:"true" negatable:"" group:"Identity"`
	OIDCAdminGroup   string   `name:"oidc-admin-group" help:"Group whose members are administrators; empty for none." placeholder:"NAME" group:"Identity"`
}

// Configured reports whether callers have to prove who they are.
func (i Identity) Configured() bool {
	return i.Auth || i.OIDCIssuer != "" || i.BootstrapKey != "" || i.BootstrapKeyFile != ""
}

// Check checks the settings.
func (i Identity) Check(c *settings.Check) {
	c.Secret("bootstrap-key", i.BootstrapKey, i.BootstrapKeyFile)
	if i.OIDCIssuer == "" {
		for flag, given := range map[string]bool{
			"oidc-audience": len(i.OIDCAudience) > 0, "oidc-discovery": i.OIDCDiscovery, "jwks": i.JWKS != "",
			"jwks-file": i.JWKSFile != "", "oidc-admin-group": i.OIDCAdminGroup != "",
		} {
			if given {
				c.Failf(flag, "needs --oidc-issuer")
			}
		}
		return
	}
	if len(i.OIDCAudience) == 0 {
		c.Failf("oidc-audience", "must be given: without it a token for any other service would do here")
	}
	sources := 0
	for _, given := range []bool{i.OIDCDiscovery, i.JWKS != "", i.JWKSFile != ""} {
		if given {
			sources++
		}
	}
	if sources != 1 {
		c.Failf("oidc-issuer", "needs one of --oidc-discovery, --jwks and --jwks-file for its keys")
	}
	if i.OIDCDiscovery {
		if err := identity.CheckIssuer(i.OIDCIssuer); err != nil {
			c.Failf("oidc-issuer", "%v", err)
		}
	}
}

// bootstrapHash returns the SHA-256 of the bootstrap key, empty for none.
func (i Identity) bootstrapHash() ([]byte, error) {
	secret, err := settings.ReadSecret(i.BootstrapKey, i.BootstrapKeyFile)
	if err != nil {
		return nil, fmt.Errorf("bootstrap key: %w", err)
	}
	if secret == "" {
		return nil, nil
	}
	hash := sha256.Sum256([]byte(secret))
	return hash[:], nil
}

// authenticator returns what the settings ask for, nil for open mode.
func (i Identity) authenticator(
	ctx context.Context, keys identity.APIKeys, bootstrap []byte, logger *slog.Logger, now func() time.Time,
) (access.Authenticator, error) {
	if !i.Configured() {
		return nil, nil
	}
	if i.OIDCIssuer == "" {
		return identity.NewBearer(keys, nil, bootstrap), nil
	}
	var source identity.Source
	switch {
	case i.OIDCDiscovery:
		source = identity.DiscoveredKeys(i.OIDCIssuer)
	case i.JWKSFile != "":
		source = identity.FileKeys(i.JWKSFile)
	default:
		source = identity.FixedKeys(i.JWKS)
	}
	issuer := identity.NewKeys(source, logger)
	if !i.OIDCDiscovery {
		if err := issuer.Check(ctx); err != nil {
			return nil, fmt.Errorf("keys of the issuer: %w", err)
		}
	}
	return identity.NewBearer(keys, identity.NewTokens(identity.TokenConfig{
		Issuer: i.OIDCIssuer, Audiences: i.OIDCAudience, GroupsClaim: i.OIDCGroupsClaim,
		AdministratorGroup: i.OIDCAdminGroup, Keys: issuer, Now: now,
	}), bootstrap), nil
}
