package identity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
)

const (
	// leeway is how far the clocks of the issuer and of ours may be apart.
	leeway = time.Minute
	// rememberFor bounds how long the signature of a token is believed without
	// another look.
	rememberFor = 5 * time.Minute
	// rememberedTokens are the tokens that are remembered.
	rememberedTokens = 1 << 14
	// maxGroups bounds the groups of a token that count.
	maxGroups = 100
	// maxSubjectBytes bounds a subject (OpenID Connect Core, section 2).
	maxSubjectBytes = 255
)

// algorithms are those that tokens may be signed with, all of them asymmetric:
// the "alg" of a token only chooses among these, and a key only verifies what
// it was made for.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// TokenConfig says which tokens are taken.
type TokenConfig struct {
	// Issuer is the "iss" of the tokens.
	Issuer string
	// Audiences are those that a token must be for, one of them. A token without
	// "aud", such as an access token of Cognito, must have one as "client_id".
	Audiences []string
	// GroupsClaim names the claim that lists groups.
	GroupsClaim string
	// AdministratorGroup is the group of the administrators; empty for none.
	AdministratorGroup string
	// Keys are the issuer's.
	Keys *Keys
	// Now is the clock.
	Now func() time.Time
}

// Tokens verifies bearer tokens of one issuer. A signature that was found good
// is remembered for a short while and as long as the issuer's keys stay the
// same; nothing else is.
type Tokens struct {
	config TokenConfig
	known  *lru.Cache[[sha256.Size]byte, knownToken]
}

type knownToken struct {
	principal  access.Principal
	until      time.Time
	generation uint64
}

// NewTokens returns a verifier.
func NewTokens(config TokenConfig) *Tokens {
	known, err := lru.New[[sha256.Size]byte, knownToken](rememberedTokens)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Tokens{config: config, known: known}
}

// verify returns who bears a token, which has this SHA-256. UNAUTHENTICATED when
// it is not good, UNAVAILABLE when the issuer's keys are not to be had.
func (t *Tokens) verify(ctx context.Context, token string, hash [sha256.Size]byte) (access.Principal, error) {
	now := t.config.Now()
	generation := t.config.Keys.Generation(now)
	if known, ok := t.known.Get(hash); ok && known.generation == generation && now.Before(known.until) {
		return known.principal, nil
	}
	claims, err := t.claims(ctx, token)
	if err != nil {
		return access.Principal{}, err
	}
	if err := t.check(claims, now); err != nil {
		return access.Principal{}, err
	}
	p, err := t.principal(claims)
	if err != nil {
		return access.Principal{}, err
	}
	until := claims.Expiry.Time().Add(leeway)
	if limit := now.Add(rememberFor); until.After(limit) {
		until = limit
	}
	// Not under the generation of now: its keys may lack the one that verified.
	if generation != 0 {
		t.known.Add(hash, knownToken{principal: p, until: until, generation: generation})
	}
	return p, nil
}

// claims are those of a token that count.
type claims struct {
	jwt.Claims
	ClientID string `json:"client_id"`
	all      map[string]json.RawMessage
}

// claims returns the claims of a token whose signature is good.
func (t *Tokens) claims(ctx context.Context, token string) (*claims, error) {
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return nil, badToken(err, "the token is malformed, or signed by an algorithm that is not taken")
	}
	header := parsed.Headers[0]
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); !tokenType(typ) {
		return nil, badToken(nil, "the token is of another type")
	}
	key, err := t.config.Keys.key(ctx, header.KeyID, header.Algorithm, t.config.Now())
	if err != nil {
		return nil, err
	}
	c := new(claims)
	if err := parsed.Claims(key, c, &c.all); err != nil {
		return nil, badToken(err, "the signature of the token is not good")
	}
	return c, nil
}

// tokenType reports whether a "typ" is that of a token for an API; many issuers
// leave it out (RFC 9068, section 2.1).
func tokenType(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return typ == "" || typ == "jwt" || typ == "at+jwt"
}

// check checks what a token says about itself.
func (t *Tokens) check(c *claims, now time.Time) error {
	if c.Expiry == nil {
		return badToken(nil, "the token has no expiry")
	}
	expected := jwt.Expected{Issuer: t.config.Issuer, Time: now}
	switch err := c.ValidateWithLeeway(expected, leeway); {
	case errors.Is(err, jwt.ErrExpired):
		return badToken(err, "the token has expired")
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return badToken(err, "the token is not valid yet")
	case err != nil:
		return badToken(err, "the token is of another issuer")
	}
	for _, audience := range t.config.Audiences {
		if slices.Contains(c.Audience, audience) || len(c.Audience) == 0 && c.ClientID == audience {
			return nil
		}
	}
	return badToken(nil, "the token is for another audience")
}

// principal returns who a token is about.
func (t *Tokens) principal(c *claims) (access.Principal, error) {
	if c.Subject == "" || len(c.Subject) > maxSubjectBytes || !plain(c.Subject) {
		return access.Principal{}, badToken(nil, "the token has no subject that can be used")
	}
	p := access.Principal{ID: access.UserPrefix + c.Subject, Kind: access.KindUser}
	for _, group := range t.groups(c) {
		if group != "" && plain(group) && len(p.Groups) < maxGroups {
			p.Groups = append(p.Groups, group)
		}
	}
	admins := t.config.AdministratorGroup
	p.Administrator = admins != "" && slices.Contains(p.Groups, admins)
	return p, nil
}

// groups returns the groups that a token names: a list, or one.
func (t *Tokens) groups(c *claims) []string {
	raw := c.all[t.config.GroupsClaim]
	var groups []string
	if json.Unmarshal(raw, &groups) == nil {
		return groups
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	return nil
}

// plain reports whether a name can stand in logs and records.
func plain(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

func badToken(cause error, why string) error {
	return fault.Wrap(cause, errorsv1.Reason_REASON_UNAUTHENTICATED, "%s", why)
}
