// Package issuer signs tokens as an OIDC issuer does, by hand (RFC 7515): what
// the service verifies with a library must not be made with the same one.
package issuer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"time"
)

// What the tokens say of themselves.
const (
	Name     = "https://issuer.test"
	Audience = "holdfast-test"
)

// Issuer signs tokens with one key, for ES256.
type Issuer struct{ key *ecdsa.PrivateKey }

// New returns an issuer with a fresh key.
func New() (*Issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &Issuer{key: key}, err
}

// Publish writes the issuer's keys to a file (RFC 7517).
func (i *Issuer) Publish(file string) error {
	point, err := i.key.PublicKey.Bytes()
	if err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]),
		"y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// Token returns the token of a subject for an hour, with changed claims.
func (i *Issuer) Token(subject string, changes map[string]any) (string, error) {
	claims := map[string]any{
		"iss": Name, "aud": Audience, "sub": subject,
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
	}
	for name, value := range changes {
		claims[name] = value
	}
	head, err := Part(map[string]string{"alg": "ES256", "kid": "k1", "typ": "JWT"})
	if err != nil {
		return "", err
	}
	body, err := Part(claims)
	if err != nil {
		return "", err
	}
	signed := head + "." + body
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		return "", err
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// Part returns the encoding of a part of a token.
func Part(v any) (string, error) {
	text, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text), err
}
