package identity_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/identity"
)

const (
	issuerURL = "https://issuer.example"
	audience  = "holdfast"
)

// issuer signs tokens and publishes its keys, as a test tells it to.
type issuer struct {
	t   *testing.T
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey

	mu    sync.Mutex
	keys  jose.JSONWebKeySet
	fail  error
	loads int
	now   time.Time
}

var testRSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, rsa: testRSA(), ec: ec, now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	i.publish(
		jose.JSONWebKey{Key: i.rsa.Public(), KeyID: "r1", Algorithm: "RS256", Use: "sig"},
		jose.JSONWebKey{Key: i.ec.Public(), KeyID: "e1", Use: "sig"},
	)
	return i
}

func (i *issuer) publish(keys ...jose.JSONWebKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = jose.JSONWebKeySet{Keys: keys}
}

func (i *issuer) setDown(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = err
}

func (i *issuer) load(context.Context) ([]byte, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.loads++
	if i.fail != nil {
		return nil, i.fail
	}
	return json.Marshal(i.keys)
}

func (i *issuer) loaded() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.loads
}

func (i *issuer) clock() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now
}

func (i *issuer) pass(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.now = i.now.Add(d)
}

// bearer returns what verifies the issuer's tokens.
func (i *issuer) bearer() *identity.Bearer { return i.bearerBy(i.keysFrom(i.load)) }

// keysFrom returns the keys that load gets.
func (i *issuer) keysFrom(load func(context.Context) ([]byte, error)) *identity.Keys {
	source := identity.Source{Load: load, Refresh: 15 * time.Minute, Pause: 30 * time.Second, Stale: 24 * time.Hour}
	return identity.NewKeys(source, slog.New(slog.DiscardHandler))
}

func (i *issuer) bearerBy(keys *identity.Keys) *identity.Bearer {
	return identity.NewBearer(noKeys{}, identity.NewTokens(identity.TokenConfig{
		Issuer: issuerURL, Audiences: []string{"other", audience}, GroupsClaim: "groups", AdministratorGroup: "admins",
		Keys: keys, Now: i.clock,
	}), nil)
}

// noKeys knows no API key.
type noKeys struct{}

func (noKeys) KeyBearer(context.Context, []byte) (access.Principal, error) {
	return access.Principal{}, fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "no such key")
}

type object map[string]any

// claims returns those of a good token, changed.
func (i *issuer) claims(changes object) object {
	c := object{
		"iss": issuerURL, "sub": "alice", "aud": audience, "groups": []string{"staff"},
		"exp": i.clock().Add(time.Hour).Unix(), "iat": i.clock().Unix(),
	}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// sign puts a token together by hand, so that it can be wrong in every way.
func (i *issuer) sign(header, claims object) string {
	i.t.Helper()
	signed := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	var signature []byte
	var err error
	switch header["alg"] {
	case "RS256":
		signature, err = rsa.SignPKCS1v15(rand.Reader, i.rsa, crypto.SHA256, sum[:])
	case "PS256":
		signature, err = rsa.SignPSS(rand.Reader, i.rsa, crypto.SHA256, sum[:], nil)
	case "ES256":
		r, s, failed := ecdsa.Sign(rand.Reader, i.ec, sum[:])
		signature, err = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), failed
	case "HS256":
		signature = mac(publicPEM(i.rsa), signed)
	}
	if err != nil {
		i.t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (i *issuer) good(changes object) string {
	return i.sign(object{"alg": "ES256", "kid": "e1", "typ": "JWT"}, i.claims(changes))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func publicPEM(key *rsa.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func (i *issuer) accepts(b *identity.Bearer, token string) access.Principal {
	i.t.Helper()
	p, err := b.Authenticate(i.t.Context(), "Bearer "+token)
	if err != nil {
		i.t.Fatalf("refused: %v", err)
	}
	return p
}

func (i *issuer) refuses(b *identity.Bearer, token string, want fault.Reason) {
	i.t.Helper()
	p, err := b.Authenticate(i.t.Context(), "Bearer "+token)
	if err == nil || fault.ReasonOf(err) != want {
		i.t.Errorf("got %+v, %v; want %v", p, err, want)
	}
}

const (
	unauthenticated = errorsv1.Reason_REASON_UNAUTHENTICATED
	unavailable     = errorsv1.Reason_REASON_UNAVAILABLE
)

var errDown = errors.New("the issuer is down")
