package namespace

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/throttle"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
)

// Parameters of Argon2id, those that OWASP's password storage cheat sheet puts
// first. They are part of what is stored: a change makes passwords useless.
const (
	argonPasses   = 2
	argonMemory   = 19 << 10 // KiB
	argonThreads  = 1
	argonHash     = 32
	argonSalt     = 16
	argonParallel = 2 // hashes at a time: 38 MiB and two processors at most
)

// How often a password may be tried. A share's own bound holds whoever tries; it
// lets ten wrong ones pass at once, and then one in ten seconds.
var (
	triesOfShare   = throttle.Limit{Rate: 0.1, Burst: 10}
	triesOfAddress = throttle.Limit{Rate: 0.5, Burst: 30}
)

// passwords hashes the passwords of shares and compares them, a few at a time.
type passwords struct {
	turns     chan struct{}
	byShare   *throttle.Pace
	byAddress *throttle.Pace
	hashes    atomic.Int64 // that were made: the work that answers took
}

func newPasswords(now func() time.Time) *passwords {
	return &passwords{
		turns:     make(chan struct{}, argonParallel),
		byShare:   throttle.NewPace("link", triesOfShare, now),
		byAddress: throttle.NewPace("address", triesOfAddress, now),
	}
}

// set gives a share a password; none when it is empty.
func (p *passwords) set(ctx context.Context, s *recordv1.Share, password string) error {
	s.PasswordHash, s.PasswordSalt = nil, nil
	if password == "" {
		return nil
	}
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	hash, err := p.hash(ctx, password, salt)
	if err != nil {
		return err
	}
	s.PasswordHash, s.PasswordSalt = hash, salt
	return nil
}

// sharing is a request message with a share.
type sharing interface {
	mutating
	GetShare() *metadatav1.Share
}

// newSharingRequest is newRequest for a message that may have a password. What is
// kept of a request tells no more of it than what is kept of the share: a hash
// that is as slow to try, with a salt of its own.
func newSharingRequest[M sharing](ctx context.Context, n *Namespace, message M) (request, error) {
	if message.GetRequestId() == "" || message.GetShare().GetPassword() == "" {
		return newRequest(ctx, message)
	}
	principal, err := access.ID(ctx)
	if err != nil {
		return request{}, err
	}
	salt := sha256.Sum256([]byte("request\x00" + principal + "\x00" + message.GetRequestId()))
	hash, err := n.passwords.hash(ctx, message.GetShare().GetPassword(), salt[:argonSalt])
	if err != nil {
		return request{}, err
	}
	veiled := clone(message)
	veiled.GetShare().Password = hex.EncodeToString(hash)
	return newRequest(ctx, veiled)
}

// check compares a password with that of a share. The work is the same whether
// it is right or wrong, and wherever it is wrong.
//
// Errors: UNAUTHENTICATED for a missing or wrong one, RATE_LIMITED when it was
// tried too often, of this share or from this address, and UNAVAILABLE.
func (p *passwords) check(ctx context.Context, s *recordv1.Share, password string) error {
	if password == "" || len(password) > maxSharePassword {
		return wrongPassword()
	}
	if err := p.byShare.Take(hex.EncodeToString(s.GetTokenHash())); err != nil {
		return err
	}
	if address := caller.From(ctx).Address; address != "" {
		if err := p.byAddress.Take(throttle.Client(address)); err != nil {
			return err
		}
	}
	hash, err := p.hash(ctx, password, s.GetPasswordSalt())
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(hash, s.GetPasswordHash()) != 1 {
		return wrongPassword()
	}
	return nil
}

func wrongPassword() error {
	return fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "the link asks for a password, and this is not it")
}

// hash waits for its turn, so that no number of callers takes more memory or
// processors than for a few.
func (p *passwords) hash(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.hashes.Add(1)
	return argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonThreads, argonHash), nil
}
