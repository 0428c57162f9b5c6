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
)

// Parameters of Argon2id, those that OWASP's password storage cheat sheet puts
// first. They are part of what is stored: a change makes passwords useless.
const (
	argonPasses  = 2
	argonMemory  = 19 << 10 // KiB
	argonThreads = 1
	argonHash    = 32
	argonSalt    = 16
)

// Hashes at a time, each with a processor and argonMemory: 57 MiB at most.
const (
	checksAtATime = 2
	setsAtATime   = 1
)

// passwords hashes the passwords of shares and compares them, a few at a time.
// Those that are set have a place of their own: however many writers set some, who
// opens a share waits for none of them.
type passwords struct {
	checks, sets chan struct{} // the places
	bySetter     *throttle.Pace
	tries        tries
	memory       uint32       // KiB of one hash
	hashes       atomic.Int64 // that were made: the work that answers took
}

// setsOfSetter is how often one principal may set a password.
var setsOfSetter = throttle.Limit{Rate: 1, Burst: 10}

func newPasswords(now func() time.Time) *passwords {
	return &passwords{
		checks:   make(chan struct{}, checksAtATime),
		sets:     make(chan struct{}, setsAtATime),
		bySetter: throttle.NewPace("setter of passwords", setsOfSetter, now),
		tries:    newTries(now),
		memory:   argonMemory,
	}
}

// protection is what is kept of a share's password; none is the zero protection.
type protection struct{ hash, salt []byte }

func (p protection) of(s *recordv1.Share) {
	s.PasswordHash, s.PasswordSalt = p.hash, p.salt
}

// sharing is a request message with a share.
type sharing interface {
	mutating
	GetShare() *metadatav1.Share
}

// newSharingRequest is newRequest for a message that may have a password, which it
// hashes: once, and only when look, which reads what the call is about, finds
// nothing that is against it, or the call was carried out before.
//
// What is kept of a request tells no more of a password than what is kept of the
// share, for its fingerprint is made of the same hash. The salt of that follows from
// the request id, which a principal has for one request.
//
// Errors: those of newRequest and look, and RATE_LIMITED.
func newSharingRequest[M sharing](
	ctx context.Context, n *Namespace, message M, look func() error,
) (request, protection, error) {
	r, err := newRequest(ctx, message)
	password := message.GetShare().GetPassword()
	if err != nil || password == "" {
		return r, protection{}, err
	}
	if err := look(); err != nil {
		if first, again := n.keptOutcome(ctx, r); again != nil || first == nil {
			return request{}, protection{}, err
		}
	}
	if err := n.passwords.bySetter.Take(r.principal); err != nil {
		return request{}, protection{}, err
	}
	made := protection{salt: make([]byte, argonSalt)}
	if r.id == "" {
		_, _ = rand.Read(made.salt) // never fails (crypto/rand)
	} else {
		sum := sha256.Sum256([]byte("request\x00" + r.principal + "\x00" + r.id))
		copy(made.salt, sum[:])
	}
	if made.hash, err = n.passwords.hash(ctx, n.passwords.sets, password, made.salt); err != nil || r.id == "" {
		return r, made, err
	}
	veiled := clone(message)
	veiled.GetShare().Password = hex.EncodeToString(made.hash)
	r, err = newRequest(ctx, veiled)
	return r, made, err
}

// check compares a password with that of a share. The work is the same whether
// it is right or wrong, and wherever it is wrong.
//
// Errors: UNAUTHENTICATED for a missing or wrong one, RATE_LIMITED when too many
// were tried, and UNAVAILABLE.
func (p *passwords) check(ctx context.Context, s *recordv1.Share, password string) error {
	if password == "" || len(password) > maxSharePassword {
		return wrongPassword()
	}
	guess, err := p.tries.begin(s, caller.From(ctx).Address)
	if err != nil {
		return err
	}
	hash, err := p.hash(ctx, p.checks, password, s.GetPasswordSalt())
	if err != nil {
		guess.GiveBack() // it was not looked at
		return err
	}
	if subtle.ConstantTimeCompare(hash, s.GetPasswordHash()) != 1 {
		return wrongPassword()
	}
	guess.GiveBack()
	return nil
}

func wrongPassword() error {
	return fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "the link asks for a password, and this is not it")
}

// hash waits for one of the places, so that no number of callers takes more memory
// or processors than for a few.
func (p *passwords) hash(ctx context.Context, places chan struct{}, password string, salt []byte) ([]byte, error) {
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.hashes.Add(1)
	return argon2.IDKey([]byte(password), salt, argonPasses, p.memory, argonThreads, argonHash), nil
}
