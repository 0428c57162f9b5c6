package access_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/holdfast-files/holdfast/test/authority"
	"github.com/holdfast-files/holdfast/test/fleet"
)

func newAuthority(t *testing.T, names ...string) *authority.Authority {
	t.Helper()
	ca, err := authority.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := ca.Issue(name); err != nil {
			t.Fatal(err)
		}
	}
	return ca
}

// All parties speak TLS, the services show each other certificates, and of those
// the ledger takes storage's for a proof and no other.
func TestTLS(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode fleet.Mode) {
		ca := newAuthority(t, "holdfast", "gateway", "metadata", "storage")
		// No token: storage proves itself by its certificate alone.
		w := newSecureWorld(t, mode, ca, map[string]string{"ledger-token-file": ""})
		name := w.put(w.fresh())["name"].(string) // by way of all services
		if status, text := w.call("reader", http.MethodGet, "/v1/"+name+"/content", ""); status != http.StatusOK || string(text) != "contents" {
			t.Errorf("download: %d %s", status, text)
		}
		for address, method := range map[string]string{
			w.fleet.Metadata: "holdfast.metadata.v1.FileService/GetFile", w.fleet.Storage: "holdfast.storage.v1.ContentService/Download",
		} {
			field := map[bool]string{true: "name", false: "file"}[address == w.fleet.Metadata]
			if got, err := w.dial(address, "").call(t, w.bearers["reader"], method, `{"`+field+`":"`+name+`"}`); got != "OK" {
				t.Errorf("%s: %s %v", method, got, err)
			}
		}
		w.plaintextIsRefused(name)
		if mode == fleet.Three {
			w.ledgerTakesStoragesCertificate(ca)
			w.renewal(ca, "gateway")
		} else {
			w.renewal(ca, "holdfast")
		}
	})
}

// plaintextIsRefused: where TLS is spoken nothing else is, no HTTP/1, no HTTP/2 with
// prior knowledge, no gRPC.
func (w *world) plaintextIsRefused(file string) {
	w.t.Helper()
	gateway := strings.TrimPrefix(w.fleet.URL, "https://")
	for name, preface := range map[string]string{
		"HTTP/1": "GET /v1/spaces HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + w.bearers["administrator"] + "\r\n\r\n",
		"HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
	} {
		conn, err := new(net.Dialer).DialContext(w.t.Context(), "tcp", gateway)
		if err != nil {
			w.t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, preface); err != nil {
			w.t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil && resp.StatusCode != http.StatusBadRequest {
			w.t.Errorf("%s without TLS: %s", name, resp.Status)
		}
		if err == nil {
			_ = resp.Body.Close() // it was not wanted
		}
	}
	plain := *w
	plain.creds = insecure.NewCredentials()
	for address, method := range map[string]string{
		w.fleet.Metadata: "holdfast.metadata.v1.FileService/GetFile", w.fleet.Storage: "holdfast.storage.v1.ContentService/Download",
	} {
		if got, err := plain.dial(address, "").call(w.t, w.bearers["administrator"], method, "{}"); got != "Unavailable" {
			w.t.Errorf("%s without TLS: %s %v", method, got, err)
		}
	}
}

// ledgerTakesStoragesCertificate: who has a good certificate is not storage yet.
func (w *world) ledgerTakesStoragesCertificate(ca *authority.Authority) {
	w.t.Helper()
	stranger := newAuthority(w.t, "storage")
	const claim, request = "holdfast.ledger.v1.LedgerService/ClaimJobs", `{"limit":1,"leaseDuration":"1s"}`
	for name, try := range map[string]struct {
		shown *authority.Authority
		as    string
		want  string
	}{
		"storage":                    {ca, "storage", "OK"},
		"the gateway":                {ca, "gateway", "UA"},
		"metadata itself":            {ca, "metadata", "UA"},
		"nobody":                     {ca, "", "Unavailable"},
		"storage of another network": {stranger, "storage", "Unavailable"},
	} {
		config, err := ca.Client("")
		if err != nil {
			w.t.Fatal(err)
		}
		if try.as != "" {
			shown, err := try.shown.Client(try.as)
			if err != nil {
				w.t.Fatal(err)
			}
			config.Certificates = shown.Certificates
		}
		knocking := *w
		knocking.creds = credentials.NewTLS(config)
		// A token that is not asked for proves nothing either.
		if got, err := knocking.dial(w.fleet.Ledger, ledgerToken).call(w.t, "", claim, request); got != try.want {
			w.t.Errorf("%s at the ledger: %s, want %s: %v", name, got, try.want, err)
		}
	}
}

// renewal: a certificate that was replaced is shown to the next client, and the
// one before for as long as the new one cannot be used.
func (w *world) renewal(ca *authority.Authority, program string) {
	w.t.Helper()
	address := strings.TrimPrefix(w.fleet.URL, "https://")
	shown := func() string {
		trusting, err := ca.Client("")
		if err != nil {
			w.t.Fatal(err)
		}
		conn, err := (&tls.Dialer{Config: trusting}).DialContext(w.t.Context(), "tcp", address)
		if err != nil {
			w.t.Fatal(err)
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := shown()
	if err := ca.Issue(program); err != nil {
		w.t.Fatal(err)
	}
	second := shown()
	if first == second {
		w.t.Error("a certificate that was replaced is still shown")
	}
	cert, _ := ca.Files(program)
	if err := os.WriteFile(cert, []byte("half of a certifi"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if got := shown(); got != second {
		w.t.Errorf("while the new certificate cannot be used, %s is shown, want %s", got, second)
	}
	if status := w.status("reader", http.MethodGet, "/v1/spaces/team", ""); status != http.StatusOK {
		w.t.Errorf("while the new certificate cannot be used: %d", status)
	}
}

// Off loopback nobody speaks plain text, unless he is told to. The addresses are
// ones for documentation, on which nobody can listen, so what is not refused for
// that fails at once.
func TestPlaintextOffLoopback(t *testing.T) {
	t.Parallel()
	built, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	bootstrap := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(bootstrap, []byte(strings.Repeat("k", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	secret, elsewhere := "--bootstrap-key-file="+bootstrap, "192.0.2.1:1"
	for _, command := range [][]string{
		{"gateway", "--listen=" + elsewhere},
		{"metadata", secret, "--ledger-token-file=" + bootstrap, "--listen=" + elsewhere},
		{"metadata", secret, "--ledger-token-file=" + bootstrap, "--ledger-listen=" + elsewhere},
		{"storage", "--listen=" + elsewhere},
		{"holdfast", "serve", secret, "--listen=" + elsewhere},
		{"holdfast", "serve", secret, "--metadata-listen=" + elsewhere},
		{"holdfast", "serve", secret, "--storage-listen=" + elsewhere},
	} {
		for _, told := range []bool{false, true} {
			args := append(append([]string{}, command[1:]...), loopbackElse(command)...)
			if command[0] != "gateway" {
				args = append(args, "--data-dir="+filepath.Join(t.TempDir(), "data"))
			}
			if told {
				args = append(args, "--plaintext")
			}
			run := exec.CommandContext(t.Context(), filepath.Join(built, command[0]), args...)
			run.Env = fleet.Environ()
			out, err := run.CombinedOutput()
			if err == nil || strings.Contains(string(out), "--plaintext") == told || told != strings.Contains(string(out), "listen on "+elsewhere) {
				t.Errorf("%v, told to: %v: %v: %s", command, told, err, out)
			}
		}
	}
}

// loopbackElse returns flags by which a program listens on free ports of loopback
// where it is not told otherwise.
func loopbackElse(command []string) []string {
	var flags []string
	for _, flag := range map[string][]string{
		"gateway": {"--listen"}, "metadata": {"--listen", "--ledger-listen"}, "storage": {"--listen", "--inspect-listen"},
		"holdfast": {"--listen", "--metadata-listen", "--storage-listen", "--inspect-listen"},
	}[command[0]] {
		if !strings.Contains(strings.Join(command, " "), " "+flag+"=") {
			flags = append(flags, flag+"=127.0.0.1:0")
		}
	}
	return flags
}
