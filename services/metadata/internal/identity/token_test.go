package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
)

func TestAGoodTokenSaysWhoItIs(t *testing.T) {
	i := newIssuer(t)
	b := i.bearer()
	for name, token := range map[string]string{
		"ES256":          i.good(nil),
		"RS256":          i.sign(object{"alg": "RS256", "kid": "r1"}, i.claims(nil)),
		"access token":   i.sign(object{"alg": "ES256", "kid": "e1", "typ": "at+jwt"}, i.claims(nil)),
		"audiences":      i.good(object{"aud": []string{"x", audience}}),
		"client_id":      i.good(object{"aud": nil, "client_id": audience}),
		"skew of expiry": i.good(object{"exp": i.clock().Add(-50 * time.Second).Unix()}),
		"skew of start":  i.good(object{"nbf": i.clock().Add(50 * time.Second).Unix(), "iat": i.clock().Add(50 * time.Second).Unix()}),
	} {
		t.Run(name, func(t *testing.T) {
			p := i.accepts(b, token)
			if p.ID != "user:alice" || p.Kind != access.KindUser || p.Administrator ||
				!slices.Equal(p.Names(), []string{"user:alice", "group:staff"}) || p.Space != "" {
				t.Errorf("got %+v", p)
			}
		})
	}
	if p := i.accepts(b, i.good(object{"groups": []string{"admins"}})); !p.Administrator {
		t.Error("a member of the administrators' group is none")
	}
	if p := i.accepts(b, i.good(object{"groups": "admins"})); !p.Administrator {
		t.Error("a single group is not taken")
	}
}

func TestWrongTokensAreRefused(t *testing.T) {
	i := newIssuer(t)
	b := i.bearer()
	other := newIssuer(t)
	now := i.clock()
	header := object{"alg": "ES256", "kid": "e1"}
	for name, token := range map[string]string{
		"expired":          i.good(object{"exp": now.Add(-61 * time.Second).Unix()}),
		"no expiry":        i.good(object{"exp": nil}),
		"not yet":          i.good(object{"nbf": now.Add(2 * time.Minute).Unix()}),
		"from the future":  i.good(object{"iat": now.Add(2 * time.Minute).Unix()}),
		"other issuer":     i.good(object{"iss": issuerURL + "/"}),
		"no issuer":        i.good(object{"iss": nil}),
		"other audience":   i.good(object{"aud": "someone"}),
		"no audience":      i.good(object{"aud": nil}),
		"other client":     i.good(object{"aud": nil, "client_id": "someone"}),
		"client behind":    i.good(object{"aud": "someone", "client_id": audience}),
		"no subject":       i.good(object{"sub": nil}),
		"subject in lines": i.good(object{"sub": "alice\r\nbob"}),
		"long subject":     i.good(object{"sub": strings.Repeat("a", 256)}),
		"other key":        other.good(nil),
		"unknown key":      i.sign(object{"alg": "ES256", "kid": "e2"}, i.claims(nil)),
		"no key id":        i.sign(object{"alg": "ES256"}, i.claims(nil)),
		"other type":       i.sign(object{"alg": "ES256", "kid": "e1", "typ": "logout+jwt"}, i.claims(nil)),
		"critical header":  i.sign(object{"alg": "ES256", "kid": "e1", "crit": []string{"x"}, "x": 1}, i.claims(nil)),
		"two tokens":       i.good(nil) + "." + i.good(nil),
		"empty parts":      "..",
		"text":             "token",
		"too long":         i.good(object{"x": strings.Repeat("a", 16<<10)}),
		"cut":              strings.TrimSuffix(i.good(nil), "A")[:40],
		"in JSON":          `{"payload":"` + part(i.claims(nil)) + `","protected":"` + part(header) + `","signature":""}`,
	} {
		t.Run(name, func(t *testing.T) {
			i := &issuer{t: t}
			i.refuses(b, token, unauthenticated)
		})
	}
}

// Forgeries: what must not be believed though it is well formed.
func TestForgeries(t *testing.T) {
	i := newIssuer(t)
	b := i.bearer()
	good := i.good(nil)
	parts := strings.Split(good, ".")
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	embedded := object{"alg": "ES256", "jwk": jose.JSONWebKey{Key: own.Public()}}
	forger := &issuer{t: t, ec: own, rsa: i.rsa}
	forged := i.claims(object{"groups": []string{"admins"}})
	for name, token := range map[string]string{
		"none":                      part(object{"alg": "none"}) + "." + part(forged) + ".",
		"none, with a key":          part(object{"alg": "none", "kid": "e1"}) + "." + part(forged) + ".",
		"NoNe":                      part(object{"alg": "NoNe", "kid": "e1"}) + "." + part(forged) + "." + parts[2],
		"public key as HMAC secret": i.sign(object{"alg": "HS256", "kid": "r1"}, forged),
		"HMAC without a secret":     hs(object{"alg": "HS256", "kid": "e1"}, forged, nil),
		"RSA key, other algorithm":  i.sign(object{"alg": "PS256", "kid": "r1"}, forged),
		"RSA signature, EC key":     i.sign(object{"alg": "RS256", "kid": "e1"}, forged),
		"EC signature, RSA key":     i.sign(object{"alg": "ES256", "kid": "r1"}, forged),
		"key that it brings":        forger.sign(embedded, forged),
		"key that it points to":     forger.sign(object{"alg": "ES256", "kid": "e1", "jku": "https://evil.example"}, forged),
		"other claims":              parts[0] + "." + part(forged) + "." + parts[2],
		"no signature":              parts[0] + "." + parts[1] + ".",
		"signature of zeros":        parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
	} {
		t.Run(name, func(t *testing.T) {
			i := &issuer{t: t}
			i.refuses(b, token, unauthenticated)
		})
	}
	i.accepts(b, good)
}

// A set of keys may hold some that must not verify anything.
func TestKeysThatMustNotVerify(t *testing.T) {
	i := newIssuer(t)
	secret := []byte("a secret that everybody can read.")
	t.Setenv("GODEBUG", "rsa1024min=0") // for a key that is too weak
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	i.publish(
		jose.JSONWebKey{Key: secret, KeyID: "h1", Algorithm: "HS256"},
		jose.JSONWebKey{Key: weak.Public(), KeyID: "w1"},
		jose.JSONWebKey{Key: i.ec.Public(), KeyID: "c1", Use: "enc"},
		jose.JSONWebKey{Key: i.ec.Public(), KeyID: "e1"},
	)
	b := i.bearer()
	i.refuses(b, hs(object{"alg": "HS256", "kid": "h1"}, i.claims(nil), secret), unauthenticated)
	weakly := &issuer{t: t, rsa: weak}
	i.refuses(b, weakly.sign(object{"alg": "RS256", "kid": "w1"}, i.claims(nil)), unauthenticated)
	i.refuses(b, i.sign(object{"alg": "ES256", "kid": "c1"}, i.claims(nil)), unauthenticated)
	i.accepts(b, i.good(nil))
}

func hs(header, claims object, secret []byte) string {
	signed := part(header) + "." + part(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac(secret, signed))
}

// What is remembered of a token ends with the token.
func TestARememberedTokenExpires(t *testing.T) {
	i := newIssuer(t)
	b := i.bearer()
	token := i.good(object{"exp": i.clock().Add(2 * time.Minute).Unix()})
	i.accepts(b, token)
	i.pass(2 * time.Minute)
	i.accepts(b, token) // within the leeway
	i.pass(time.Minute + time.Second)
	i.refuses(b, token, unauthenticated)
}
