// Package certificate is TLS by files: the certificate of a program and the CAs
// of those that it talks to. Both are read again when the files change, so that
// certificates are renewed without a restart; while the new ones can't be used
// the old ones are.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"

	"github.com/holdfast-files/holdfast/internal/settings"
)

// Settings are the settings of every program that talks over a network; embed
// it in theirs.
type Settings struct {
	TLSCert   string `name:"tls-cert" help:"File of the certificate of this program and its chain, in PEM; with it all listeners speak TLS." placeholder:"FILE" group:"TLS"`
	TLSKey    string `name:"tls-key" help:"File of the key of that certificate, in PEM." placeholder:"FILE" group:"TLS"`
	TLSCA     string `name:"tls-ca" help:"File of the CAs of the other services, in PEM; with it they are reached by TLS, and their certificates are checked." placeholder:"FILE" group:"TLS"`
	Plaintext bool   `help:"Listen without TLS on other addresses than loopback: for networks that keep strangers out." group:"TLS"`
}

// Check checks the settings, and that the addresses to listen on, by their
// flags, are loopback ones unless TLS or plaintext was asked for. Empty
// addresses are not listened on.
func (s Settings) Check(c *settings.Check, addresses map[string]string) {
	if (s.TLSCert == "") != (s.TLSKey == "") {
		c.Failf("tls-cert", "and --tls-key need each other")
		return
	}
	if _, err := s.Server(Optional, slog.New(slog.DiscardHandler)); err != nil {
		c.Failf("tls-cert", "%v", err)
	}
	if s.TLSCA != "" {
		if _, err := readPool(s.TLSCA); err != nil {
			c.Failf("tls-ca", "%v", err)
		}
	}
	for flag, address := range addresses {
		if address != "" && s.TLSCert == "" && !s.Plaintext && !settings.IsLoopback(address) {
			c.Failf(flag, "%q is not a loopback address: it needs --tls-cert, or --plaintext", address)
		}
	}
}

// Clients says whether the clients of a listener show certificates.
type Clients int

// Clients of a listener.
const (
	// Optional clients may show one, and then it must be good.
	Optional Clients = iota
	// Required clients must.
	Required
)

// Server returns the configuration of a listener; nil without a certificate.
func (s Settings) Server(clients Clients, logger *slog.Logger) (*tls.Config, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	own, err := watch(logger, func() (*tls.Certificate, error) { return readPair(s.TLSCert, s.TLSKey) }, s.TLSCert, s.TLSKey)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.get(), nil },
	}
	if s.TLSCA == "" {
		if clients == Required {
			return nil, errors.New("client certificates are required, but there is no CA for them")
		}
		return config, nil
	}
	cas, err := s.watchCAs(logger)
	if err != nil {
		return nil, err
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	if clients == Required {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	config.ClientCAs = cas.get()
	base := config.Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		current := base.Clone()
		current.ClientCAs = cas.get()
		// Sessions are not resumed across configurations, so what a CA no longer
		// vouches for is not let in by an old ticket.
		current.SessionTicketsDisabled = true
		return current, nil
	}
	return config, nil
}

// Client returns what makes the configuration of a connection to a host, a name
// or an IP address; nil when the other services are not reached by TLS. The own
// certificate, if there is one, is shown to them.
func (s Settings) Client(logger *slog.Logger) (func(host string) *tls.Config, error) {
	if s.TLSCA == "" {
		return nil, nil
	}
	cas, err := s.watchCAs(logger)
	if err != nil {
		return nil, err
	}
	base := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLSCert != "" {
		own, err := watch(logger, func() (*tls.Certificate, error) { return readPair(s.TLSCert, s.TLSKey) }, s.TLSCert, s.TLSKey)
		if err != nil {
			return nil, err
		}
		base.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own.get(), nil }
	}
	return func(host string) *tls.Config {
		config := base.Clone()
		config.ServerName = host
		// The certificate is verified below, by the CAs as they are then: RootCAs
		// could not change.
		config.InsecureSkipVerify = true
		config.VerifyConnection = func(state tls.ConnectionState) error { return verify(state, host, cas.get()) }
		return config
	}, nil
}

// verify checks the certificate of a server as crypto/tls does. The host is not
// that of the state, which is empty for an IP address: such a name is never sent.
func verify(state tls.ConnectionState, host string, roots *x509.CertPool) error {
	if host == "" || len(state.PeerCertificates) == 0 {
		return errors.New("there is no name or no certificate to check")
	}
	options := x509.VerifyOptions{Roots: roots, DNSName: host, Intermediates: x509.NewCertPool()}
	for _, intermediate := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(intermediate)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}

func (s Settings) watchCAs(logger *slog.Logger) (*watched[x509.CertPool], error) {
	return watch(logger, func() (*x509.CertPool, error) { return readPool(s.TLSCA) }, s.TLSCA)
}

func readPair(certFile, keyFile string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return &pair, nil
}
