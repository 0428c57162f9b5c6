package identity

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// FixedKeys are those of a key set that is given.
func FixedKeys(text string) Source {
	return Source{Load: func(context.Context) ([]byte, error) { return []byte(text), nil }}
}

// FileKeys are those of a key set in a file, which is read again when a token
// names a key that is not known, and now and then.
func FileKeys(path string) Source {
	return Source{
		Load: func(context.Context) ([]byte, error) { return os.ReadFile(path) },
		// A file that can't be read is an operator's slip: it never stops the service.
		Refresh: 10 * time.Second, Pause: time.Second, Stale: 100 * 365 * 24 * time.Hour,
	}
}

// DiscoveredKeys are those of the issuer itself, at the place that its
// configuration names (OpenID Connect Discovery, section 4).
func DiscoveredKeys(issuer string) Source {
	client := &http.Client{
		Timeout: loadTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("redirects are not followed")
		},
	}
	return Source{
		Load: func(ctx context.Context) ([]byte, error) {
			text, err := fetch(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
			if err != nil {
				return nil, err
			}
			var document struct {
				Issuer string `json:"issuer"`
				Keys   string `json:"jwks_uri"`
			}
			if err := json.Unmarshal(text, &document); err != nil {
				return nil, fmt.Errorf("configuration of the issuer: %w", err)
			}
			if document.Issuer != issuer {
				return nil, fmt.Errorf("the configuration is that of the issuer %q, not %q", document.Issuer, issuer)
			}
			if err := CheckIssuer(document.Keys); err != nil {
				return nil, fmt.Errorf("jwks_uri: %w", err)
			}
			return fetch(ctx, client, document.Keys)
		},
		Refresh: 15 * time.Minute, Pause: 30 * time.Second, Stale: 24 * time.Hour,
	}
}

// CheckIssuer checks a URL from which keys are to be fetched: https, or http on
// this machine.
func CheckIssuer(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	if u.Scheme == "https" && u.Host != "" {
		return nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%q is not an https URL", text)
}

// maxDocumentBytes bounds what an issuer may answer.
const maxDocumentBytes = 1 << 20

func fetch(ctx context.Context, client *http.Client, from string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", from, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxDocumentBytes+1))
	if err == nil && len(text) > maxDocumentBytes {
		err = fmt.Errorf("%s: more than %d bytes", from, maxDocumentBytes)
	}
	return text, err
}

func thumbprint(key jose.JSONWebKey) string {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "" // not for keys that were parsed
	}
	return string(sum)
}
