// Package access_test proves who may do what, on whole programs from the
// outside, in one process and in three.
package access_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/holdfast-files/holdfast/test/authority"
	"github.com/holdfast-files/holdfast/test/fleet"
)

// columns are the callers, in the order of the golden tables.
var columns = []string{
	"anonymous", "expired", "wrong audience", "wrong key", "owner of another space",
	"reader", "writer", "owner", "administrator", "revoked key", "storage's credential",
}

const ledgerToken = "the-credential-of-storage-in-these-tests"

// world is a running service with two spaces, team and other, and somebody of
// each kind who knocks.
type world struct {
	t       *testing.T
	fleet   *fleet.Fleet
	issuer  *signer
	bearers map[string]string // by column
	counter *atomic.Int64
	shared  map[string]string // what denied calls are about, by placeholder
	client  *http.Client
	creds   credentials.TransportCredentials
	calls   *atomic.Int64 // of the tables
}

var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "holdfast-access-")
	if err != nil {
		return "", err
	}
	return fleet.Build(context.Background(), dir)
})

// newWorld starts a service; further flags stand beside or in place of the usual
// ones, and an empty one is not given.
func newWorld(t *testing.T, mode fleet.Mode, flags ...map[string]string) *world {
	t.Helper()
	return newSecureWorld(t, mode, nil, flags...)
}

// newSecureWorld starts a service that speaks TLS with certificates of an authority.
func newSecureWorld(t *testing.T, mode fleet.Mode, ca *authority.Authority, flags ...map[string]string) *world {
	t.Helper()
	built, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	w := &world{
		t: t, issuer: newIssuer(t), bearers: map[string]string{}, shared: map[string]string{}, counter: new(atomic.Int64), calls: new(atomic.Int64),
		client: &http.Client{Timeout: time.Minute}, creds: insecure.NewCredentials(),
	}
	if ca != nil {
		trusting, err := ca.Client("")
		if err != nil {
			t.Fatal(err)
		}
		w.client.Transport, w.creds = &http.Transport{TLSClientConfig: trusting}, credentials.NewTLS(trusting)
	}
	jwks := filepath.Join(dir, "jwks.json")
	if err := w.issuer.Publish(jwks); err != nil {
		t.Fatal(err)
	}
	bootstrap := "bootstrap-key-of-a-test-" + random(24)
	all := map[string]string{
		"auth": "true", "bootstrap-key-file": write("bootstrap", bootstrap+"\n"),
		"oidc-issuer": issuerName, "oidc-audience": audience, "jwks-file": jwks, "oidc-admin-group": admins,
		"ledger-token-file": write("ledger", ledgerToken),
	}
	for _, more := range flags {
		maps.Copy(all, more)
	}
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	w.fleet, err = fleet.Start(t.Context(), fleet.Config{
		Mode: mode, Programs: built, DataDir: filepath.Join(dir, "data"), Flags: all, TLS: ca,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.fleet.Stop(); err != nil {
			t.Error(err)
		}
	})
	w.bearers["administrator"] = bootstrap
	w.people()
	return w
}

// people makes the spaces, and the callers of the columns.
func (w *world) people() {
	stranger := newIssuer(w.t)
	w.bearers["expired"] = w.issuer.token("owner", object{"exp": time.Now().Add(-time.Hour).Unix()})
	w.bearers["wrong audience"] = w.issuer.token("owner", object{"aud": "another-service"})
	w.bearers["wrong key"] = stranger.token("owner", object{"groups": []string{admins}})
	w.bearers["storage's credential"] = ledgerToken
	for _, space := range []string{"team", "other"} {
		w.make(http.MethodPost, "/v1/spaces?spaceId="+space, "{}")
	}
	for _, role := range []string{"reader", "writer"} {
		w.bearers[role] = w.issuer.token(role, nil)
		w.member("team", "user:"+role, role)
	}
	// The owners have their role by a group.
	w.bearers["owner"] = w.issuer.token("owner", object{"groups": []string{"chiefs", "staff"}})
	w.member("team", "group:chiefs", "owner")
	w.bearers["owner of another space"] = w.issuer.token("stranger", nil)
	w.member("other", "user:stranger", "owner")
	key := w.make(http.MethodPost, "/v1/spaces/team/keys", `{"scope":"OWN"}`)
	w.bearers["revoked key"] = key["secret"].(string)
	if got := w.status("revoked key", http.MethodGet, "/v1/spaces/team/keys", ""); got != http.StatusOK {
		w.t.Fatalf("a fresh key: %d", got)
	}
	w.make(http.MethodDelete, "/v1/"+key["name"].(string), "")
	w.bearers["administrator"] = w.issuer.token("root", object{"groups": []string{admins}})
	w.make(http.MethodPut, "/v1/spaces/team/paths/look.txt", "look")
	w.make(http.MethodPut, "/v1/spaces/other/paths/secret.txt", "secret")
}

func (w *world) member(space, principal, role string) {
	w.make(http.MethodPost, "/v1/spaces/"+space+"/members",
		`{"principal":"`+principal+`","role":"`+strings.ToUpper(role)+`"}`)
}

// make makes a call as an administrator that must succeed.
func (w *world) make(method, target, body string) object {
	w.t.Helper()
	status, text := w.call("administrator", method, target, body)
	if status >= 300 {
		w.t.Fatalf("%s %s: %d %s", method, target, status, text)
	}
	var made object
	if len(text) > 0 {
		if err := json.Unmarshal(text, &made); err != nil {
			w.t.Fatalf("%s %s: %v: %s", method, target, err, text)
		}
	}
	return made
}

func (w *world) status(who, method, target, body string) int {
	w.t.Helper()
	status, _ := w.call(who, method, target, body)
	return status
}

// call makes a REST call as somebody. The method FORM uploads as a form does.
func (w *world) call(who, method, target, body string) (int, []byte) {
	w.t.Helper()
	req := w.request(method, target, body)
	if bearer := w.bearers[who]; bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if who == "storage's credential" {
		req.Header.Set("X-Service-Token", ledgerToken)
	}
	return w.send(req)
}

func (w *world) request(method, target, body string) *http.Request {
	w.t.Helper()
	contentType := "application/octet-stream"
	if strings.HasPrefix(body, "{") {
		contentType = "application/json"
	}
	if strings.HasPrefix(target, "/s/") {
		contentType = "application/x-www-form-urlencoded"
	}
	if method == "FORM" {
		method = http.MethodPost
		var form bytes.Buffer
		writer := multipart.NewWriter(&form)
		file, err := writer.CreateFormFile("file", body)
		if err == nil {
			_, err = file.Write([]byte("form"))
		}
		if err != nil || writer.Close() != nil {
			w.t.Fatal(err)
		}
		contentType, body = writer.FormDataContentType(), form.String()
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.fleet.URL+target, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if strings.Contains(target, "/uploads") {
		req.Header.Set("Tus-Resumable", "1.0.0")
		switch method {
		case http.MethodPost:
			req.Body, req.ContentLength = http.NoBody, 0
			req.Header.Set("Upload-Length", strconv.Itoa(len(body)))
			return req
		case http.MethodPatch:
			contentType = "application/offset+octet-stream"
			req.Header.Set("Upload-Offset", "0")
		}
	}
	if body != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req
}

func (w *world) send(req *http.Request) (int, []byte) {
	w.t.Helper()
	resp, text := w.respond(req)
	return resp.StatusCode, []byte(text)
}

// respond returns an answer, whose body was read.
func (w *world) respond(req *http.Request) (*http.Response, string) {
	w.t.Helper()
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(text)
}

// fresh returns a name that was not used before.
func (w *world) fresh() string { return "x" + strconv.FormatInt(w.counter.Add(1), 10) + "-new" }
