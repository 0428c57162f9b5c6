package certificate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/certificate"
	"github.com/holdfast-files/holdfast/internal/settings"
)

// authority signs certificates, and has its own in a file.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	file string
	// written is when files were written last.
	written time.Time
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), key: newKey(t), written: time.Now()}
	a.cert = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil, a.key)
	a.file = a.write(name+".pem", "CERTIFICATE", a.cert.Raw)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	if parent == nil {
		parent = template
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	// Some file systems count time in steps longer than two writes take.
	a.written = a.written.Add(time.Second)
	if err := os.Chtimes(file, a.written, a.written); err != nil {
		a.t.Fatal(err)
	}
	return file
}

// issue writes a certificate for a name and addresses, and returns the files of it and of its key.
func (a *authority) issue(file, name string, serial int64, addresses ...net.IP) (cert, key string) {
	a.t.Helper()
	own := newKey(a.t)
	signed := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{name}, IPAddresses: addresses,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, own)
	der, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(file+".crt", "CERTIFICATE", signed.Raw), a.write(file+".key", "PRIVATE KEY", der)
}

var quiet = slog.New(slog.DiscardHandler)

// serve listens with a configuration and says to each client which serial
// number its certificate has.
func serve(t *testing.T, config *tls.Config) string {
	t.Helper()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lis.Close() }) // the test is over
	go func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				secure := tls.Server(conn, config)
				if secure.HandshakeContext(t.Context()) == nil {
					_, _ = io.WriteString(secure, "hello") // as above
					_ = secure.Close()
				}
			}()
		}
	}()
	return lis.Addr().String()
}

// visit connects and returns the serial number of the server's certificate.
func visit(t *testing.T, address string, config *tls.Config) (int64, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err == nil && string(text) != "hello" {
		err = io.ErrUnexpectedEOF
	}
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64(), err
}

func clientOf(t *testing.T, s certificate.Settings, name string) *tls.Config {
	t.Helper()
	config, err := s.Client(quiet)
	if err != nil {
		t.Fatal(err)
	}
	return config(name)
}

func serverOf(t *testing.T, s certificate.Settings, clients certificate.Clients) *tls.Config {
	t.Helper()
	config, err := s.Server(clients, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestWhoMayTalkToWhom(t *testing.T) {
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	cert, key := ours.issue("metadata", "metadata", 2)
	good := certificate.Settings{TLSCert: cert, TLSKey: key, TLSCA: ours.file}
	foreign := certificate.Settings{TLSCA: ours.file}
	foreign.TLSCert, foreign.TLSKey = others.issue("storage", "storage", 3)
	required := serve(t, serverOf(t, good, certificate.Required))
	optional := serve(t, serverOf(t, good, certificate.Optional))
	byAddress := good
	byAddress.TLSCert, byAddress.TLSKey = ours.issue("address", "other", 4, net.IPv4(127, 0, 0, 1))
	addressed := serve(t, serverOf(t, byAddress, certificate.Required))
	for name, tc := range map[string]struct {
		address, server string
		client          certificate.Settings
		ok              bool
	}{
		"both ours":                     {required, "metadata", good, true},
		"no certificate, required":      {required, "metadata", certificate.Settings{TLSCA: ours.file}, false},
		"no certificate, optional":      {optional, "metadata", certificate.Settings{TLSCA: ours.file}, true},
		"foreign certificate":           {required, "metadata", foreign, false},
		"foreign certificate, be it":    {optional, "metadata", foreign, false},
		"server of another name":        {optional, "storage", good, false},
		"server of another authority":   {optional, "metadata", certificate.Settings{TLSCA: others.file}, false},
		"a server by its address":       {addressed, "127.0.0.1", good, true},
		"an address of another":         {required, "127.0.0.1", good, false},
		"another address":               {addressed, "127.0.0.2", good, false},
		"nobody in particular":          {required, "", good, false},
		"a name that only begins alike": {optional, "metadata.evil.example", good, false},
	} {
		_, err := visit(t, tc.address, clientOf(t, tc.client, tc.server))
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	old := clientOf(t, good, "metadata")
	old.MaxVersion = tls.VersionTLS11
	old.MinVersion = tls.VersionTLS10
	if _, err := visit(t, optional, old); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

func TestFilesAreReadAgain(t *testing.T) {
	ours, next := newAuthority(t, "ours"), newAuthority(t, "next")
	cert, key := ours.issue("metadata", "metadata", 2)
	good := certificate.Settings{TLSCert: cert, TLSKey: key, TLSCA: ours.file}
	address, client := serve(t, serverOf(t, good, certificate.Required)), clientOf(t, good, "metadata")
	expect := func(serial int64) {
		t.Helper()
		if got, err := visit(t, address, client); err != nil || got != serial {
			t.Errorf("got %d, %v; want %d", got, err, serial)
		}
	}
	expect(2)
	ours.issue("metadata", "metadata", 22222)
	expect(22222)
	if err := os.WriteFile(cert, []byte("half a certifi"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(22222) // the last good one
	ours.issue("metadata", "metadata", 333333333)
	expect(333333333)

	// An authority that is no longer trusted lets nobody in.
	text, err := os.ReadFile(next.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ours.file, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := visit(t, address, client); err == nil {
		t.Error("the certificates of the authority before are still taken")
	}
}

func TestSettings(t *testing.T) {
	ours := newAuthority(t, "ours")
	cert, key := ours.issue("a", "a", 2)
	for name, tc := range map[string]struct {
		settings certificate.Settings
		listen   string
		want     string
	}{
		"loopback":          {certificate.Settings{}, "127.0.0.1:80", ""},
		"not listened on":   {certificate.Settings{}, "", ""},
		"the world":         {certificate.Settings{}, "0.0.0.0:80", "--plaintext"},
		"all addresses":     {certificate.Settings{}, ":80", "--plaintext"},
		"plaintext":         {certificate.Settings{Plaintext: true}, "0.0.0.0:80", ""},
		"TLS":               {certificate.Settings{TLSCert: cert, TLSKey: key}, "0.0.0.0:80", ""},
		"no key":            {certificate.Settings{TLSCert: cert}, "0.0.0.0:80", "--tls-cert"},
		"no certificate":    {certificate.Settings{TLSKey: key}, "127.0.0.1:80", "--tls-cert"},
		"key of another":    {certificate.Settings{TLSCert: ours.file, TLSKey: key}, "127.0.0.1:80", "--tls-cert"},
		"no such file":      {certificate.Settings{TLSCert: cert + "x", TLSKey: key}, "127.0.0.1:80", "--tls-cert"},
		"CA that is none":   {certificate.Settings{TLSCA: key}, "127.0.0.1:80", "--tls-ca"},
		"CA that is absent": {certificate.Settings{TLSCA: key + "x"}, "127.0.0.1:80", "--tls-ca"},
	} {
		var check settings.Check
		tc.settings.Check(&check, map[string]string{"listen": tc.listen})
		err := check.Err()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if config, err := (certificate.Settings{}).Server(certificate.Optional, quiet); config != nil || err != nil {
		t.Errorf("without a certificate: %v, %v", config, err)
	}
	if config, err := (certificate.Settings{}).Client(quiet); config != nil || err != nil {
		t.Errorf("without a CA there is TLS: %t, %v", config != nil, err)
	}
	if _, err := (certificate.Settings{TLSCert: cert, TLSKey: key}).Server(certificate.Required, quiet); err == nil {
		t.Error("client certificates are required without a CA for them")
	}
}
