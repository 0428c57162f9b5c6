package access_test

import (
	"testing"

	"github.com/holdfast-files/holdfast/test/issuer"
)

const (
	issuerName = issuer.Name
	audience   = issuer.Audience
	admins     = "operators"
)

// signer is an issuer that fails the test when it cannot sign.
type signer struct {
	t testing.TB
	*issuer.Issuer
}

type object = map[string]any

func newIssuer(t testing.TB) *signer {
	t.Helper()
	own, err := issuer.New()
	if err != nil {
		t.Fatal(err)
	}
	return &signer{t, own}
}

// token returns the token of a subject, with changed claims.
func (s *signer) token(subject string, changes object) string {
	s.t.Helper()
	token, err := s.Token(subject, changes)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

func part(t testing.TB, v any) string {
	t.Helper()
	text, err := issuer.Part(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
