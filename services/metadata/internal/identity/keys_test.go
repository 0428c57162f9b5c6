package identity_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"log/slog"

	"github.com/holdfast-files/holdfast/services/metadata/internal/identity"
)

// A new key is fetched when the first token names it, and keys that were made
// up don't make the issuer pay.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		b := i.bearer()
		i.accepts(b, i.good(nil))
		next := newIssuer(t)
		next.now = i.now
		i.publish(jose.JSONWebKey{Key: i.ec.Public(), KeyID: "e1"}, jose.JSONWebKey{Key: next.ec.Public(), KeyID: "e2"})
		rotated := next.sign(object{"alg": "ES256", "kid": "e2"}, i.claims(nil))
		i.pass(31 * time.Second)
		i.accepts(b, rotated)
		if got := i.loaded(); got != 2 {
			t.Errorf("the keys were loaded %d times, want 2", got)
		}
		for range 100 {
			i.refuses(b, i.sign(object{"alg": "ES256", "kid": "made up"}, i.claims(nil)), unauthenticated)
		}
		if got := i.loaded(); got != 2 {
			t.Errorf("made-up keys caused %d loads", got-2)
		}
		// A key that is withdrawn stops being good, also for tokens that are remembered.
		i.publish(jose.JSONWebKey{Key: next.ec.Public(), KeyID: "e2"})
		old := i.good(nil)
		i.accepts(b, old)
		i.pass(15 * time.Minute)
		i.accepts(b, i.signedBy(next, "e2")) // begins a load
		synctest.Wait()
		i.refuses(b, old, unauthenticated)
	})
}

// A token whose key is withdrawn while its signature is looked at is not
// remembered as one of the keys that come then.
func TestAKeyThatIsWithdrawnWhileItVerifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		open := make(chan struct{})
		close(open)
		gate := open
		keys := i.keysFrom(func(ctx context.Context) ([]byte, error) {
			<-gate
			return i.load(ctx)
		})
		b := i.bearerBy(keys)
		i.accepts(b, i.good(nil))
		i.pass(15 * time.Minute)
		next := newIssuer(t)
		i.publish(jose.JSONWebKey{Key: next.ec.Public(), KeyID: "e2"})
		gate = make(chan struct{})
		keys.During("e1", i.ec.Public(), func() {
			close(gate)
			synctest.Wait() // the load that the call began has ended
		})
		old := i.good(nil)
		i.accepts(b, old)
		i.refuses(b, old, unauthenticated)
		i.accepts(b, i.signedBy(next, "e2"))
	})
}

func (i *issuer) signedBy(by *issuer, kid string) string {
	return by.sign(object{"alg": "ES256", "kid": kid}, i.claims(nil))
}

func TestAnOutageOfTheIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		b := i.bearer()
		i.setDown(errDown)
		i.refuses(b, i.good(nil), unavailable)
		i.setDown(nil)
		i.refuses(b, i.good(nil), unavailable) // the last try was just now
		i.pass(30 * time.Second)
		i.accepts(b, i.good(nil))

		i.setDown(errDown)
		for range 23 {
			i.pass(time.Hour)
			i.accepts(b, i.good(nil)) // the last good ones
			synctest.Wait()
		}
		i.pass(time.Hour)
		i.refuses(b, i.good(nil), unavailable) // too old to be believed
		synctest.Wait()
		i.setDown(nil)
		i.pass(30 * time.Second)
		i.accepts(b, i.good(nil))
	})
}

func TestDiscovery(t *testing.T) {
	i := newIssuer(t)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	document := map[string]string{"issuer": server.URL, "jwks_uri": server.URL + "/keys"}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(document) // a client that is gone
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		text, err := i.load(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(text) // a client that is gone
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) })
	keys := identity.NewKeys(identity.DiscoveredKeys(server.URL), slog.New(slog.DiscardHandler))
	if err := keys.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, uri := range map[string]string{
		"a redirect": server.URL + "/moved", "no answer": server.URL + "/nothing",
		"plain HTTP": "http://keys.example/keys", "a file": "file:///etc/passwd",
	} {
		document["jwks_uri"] = uri
		if keys.Check(t.Context()) == nil {
			t.Errorf("keys are taken from %s", name)
		}
	}
	document["jwks_uri"], document["issuer"] = server.URL+"/keys", "https://other.example"
	if keys.Check(t.Context()) == nil {
		t.Error("the configuration of another issuer is taken")
	}
}

func TestKeysInAFileAreReadAgain(t *testing.T) {
	i := newIssuer(t)
	file := filepath.Join(t.TempDir(), "jwks.json")
	write := func() {
		text, err := i.load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	b := identity.NewBearer(noKeys{}, identity.NewTokens(identity.TokenConfig{
		Issuer: issuerURL, Audiences: []string{audience}, GroupsClaim: "groups",
		Keys: identity.NewKeys(identity.FileKeys(file), slog.New(slog.DiscardHandler)), Now: i.clock,
	}), nil)
	i.accepts(b, i.good(nil))
	next := newIssuer(t)
	i.publish(jose.JSONWebKey{Key: next.ec.Public(), KeyID: "e2"})
	write()
	i.pass(time.Second)
	i.accepts(b, i.signedBy(next, "e2"))
	if err := os.WriteFile(file, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	i.pass(48 * time.Hour)
	i.accepts(b, i.signedBy(next, "e2")) // the last good ones
}

func TestKeySetsThatAreNone(t *testing.T) {
	for _, text := range []string{"", "{}", `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}`, "[]", `{"keys":[{"kty":"RSA"}]}`} {
		if identity.NewKeys(identity.FixedKeys(text), slog.New(slog.DiscardHandler)).Check(t.Context()) == nil {
			t.Errorf("%q is taken for keys", text)
		}
	}
}
