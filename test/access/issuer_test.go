package access_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"
	"time"
)

const (
	issuerName = "https://issuer.test"
	audience   = "holdfast-test"
	admins     = "operators"
)

// issuer signs tokens, by hand (RFC 7515): what the service verifies with a
// library must not be made with the same one.
type issuer struct {
	t   testing.TB
	key *ecdsa.PrivateKey
}

type object map[string]any

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{t: t, key: key}
}

// publish writes the issuer's keys to a file (RFC 7517).
func (i *issuer) publish(file string) {
	i.t.Helper()
	point, err := i.key.PublicKey.Bytes()
	if err != nil {
		i.t.Fatal(err)
	}
	text, err := json.Marshal(object{"keys": []object{{
		"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]),
		"y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}})
	if err != nil {
		i.t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		i.t.Fatal(err)
	}
}

// token returns the token of a subject, with changed claims.
func (i *issuer) token(subject string, changes object) string {
	i.t.Helper()
	claims := object{
		"iss": issuerName, "aud": audience, "sub": subject,
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
	}
	for name, value := range changes {
		claims[name] = value
	}
	signed := part(i.t, object{"alg": "ES256", "kid": "k1", "typ": "JWT"}) + "." + part(i.t, claims)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		i.t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func part(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
