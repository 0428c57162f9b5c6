package identity

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// Source is where the keys of an issuer come from.
type Source struct {
	// Load returns a JSON Web Key Set, RFC 7517, section 5.
	Load func(ctx context.Context) ([]byte, error)
	// Refresh is the age from which a set is loaded again, beside the calls that
	// use it; 0 for never.
	Refresh time.Duration
	// Pause is the least time between two loads, so that made-up key ids do not
	// become a flood at the issuer.
	Pause time.Duration
	// Stale is the age until which a set is used while it can't be loaded again.
	Stale time.Duration
}

// loadTimeout bounds one load.
const loadTimeout = 10 * time.Second

// minRSABits is the size of the smallest RSA key that is believed
// (RFC 7518, section 3.3).
const minRSABits = 2048

// Keys are the public keys of an issuer. They are loaded when they are first
// needed, again when they grow old or a token names one that is not known, and
// the last good ones are used as long as the source fails. Safe for concurrent
// use.
type Keys struct {
	source Source
	logger *slog.Logger

	mu         sync.Mutex
	set        map[string]jose.JSONWebKey
	generation uint64    // of the set; changes when the set does
	loaded     time.Time // when the set was loaded
	tried      time.Time // when it was last tried to
	loading    chan struct{}
}

// NewKeys returns the keys of a source.
func NewKeys(source Source, logger *slog.Logger) *Keys {
	return &Keys{source: source, logger: logger}
}

// Check loads the keys and returns what is wrong with them, for sources that
// must be good from the start.
func (k *Keys) Check(ctx context.Context) error {
	text, err := k.source.Load(ctx)
	if err != nil {
		return err
	}
	_, err = parseKeys(text)
	return err
}

// Generation returns a number that changes when the keys do, and when they have
// become too old to be used. Keys that have grown old are loaded again.
func (k *Keys) Generation(now time.Time) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh(now)
	if !k.usable(now) {
		return 0
	}
	return k.generation
}

// key returns the key of an id for an algorithm.
//
// Errors: UNAUTHENTICATED when the issuer has no such key, UNAVAILABLE when its
// keys are not to be had.
func (k *Keys) key(ctx context.Context, id, algorithm string, now time.Time) (jose.JSONWebKey, error) {
	k.mu.Lock()
	k.refresh(now)
	found, ok := k.find(id, now)
	var loading chan struct{}
	if !ok {
		loading = k.load(now)
	}
	k.mu.Unlock()
	if loading != nil {
		select {
		case <-loading:
		case <-ctx.Done():
			return jose.JSONWebKey{}, ctx.Err()
		}
		k.mu.Lock()
		found, ok = k.find(id, now)
		k.mu.Unlock()
	}
	switch {
	case !ok && !k.isUsable(now):
		return jose.JSONWebKey{}, &fault.Error{
			Reason: errorsv1.Reason_REASON_UNAVAILABLE, Message: "the issuer's keys are not to be had just now",
			RetryAfter: k.source.Pause,
		}
	case !ok:
		return jose.JSONWebKey{}, badToken(nil, "the token is signed by a key that is not the issuer's")
	case found.Algorithm != "" && found.Algorithm != algorithm:
		return jose.JSONWebKey{}, badToken(nil, "the token is signed by another algorithm than its key is for")
	}
	return found, nil
}

// find returns the key of an id, or the only one for a token that names none.
func (k *Keys) find(id string, now time.Time) (jose.JSONWebKey, bool) {
	if !k.usable(now) {
		return jose.JSONWebKey{}, false
	}
	if id == "" && len(k.set) == 1 {
		for _, only := range k.set {
			return only, true
		}
	}
	found, ok := k.set[id]
	return found, ok
}

func (k *Keys) isUsable(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.usable(now)
}

func (k *Keys) usable(now time.Time) bool {
	return k.set != nil && (k.source.Refresh == 0 || now.Sub(k.loaded) < k.source.Stale)
}

// refresh begins a load when the keys have grown old.
func (k *Keys) refresh(now time.Time) {
	if k.set != nil && k.source.Refresh != 0 && now.Sub(k.loaded) >= k.source.Refresh {
		k.load(now)
	}
}

// load begins a load, or joins the one that is under way; it returns nil when
// the last try was a short while ago.
func (k *Keys) load(now time.Time) chan struct{} {
	if k.loading != nil {
		return k.loading
	}
	if !k.tried.IsZero() && now.Sub(k.tried) < k.source.Pause {
		return nil
	}
	done := make(chan struct{})
	k.loading, k.tried = done, now
	go func() {
		defer close(done)
		// Not the caller's: others wait for the same load.
		ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
		defer cancel()
		text, err := k.source.Load(ctx)
		var set map[string]jose.JSONWebKey
		if err == nil {
			set, err = parseKeys(text)
		}
		if err != nil {
			k.logger.WarnContext(ctx, "the issuer's keys were not loaded; the last good ones are used", slog.Any("error", err))
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.loading = nil
		if err != nil {
			return
		}
		k.loaded = now
		if !sameKeys(k.set, set) {
			k.set = set
			k.generation++
		}
	}()
	return done
}

// parseKeys returns the keys of a set that can verify tokens. Those of other
// kinds are left out, above all symmetric ones: what anybody can read must not
// sign.
func parseKeys(text []byte) (map[string]jose.JSONWebKey, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("not a JSON Web Key Set: %w", err)
	}
	set := map[string]jose.JSONWebKey{}
	for _, entry := range raw.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(entry) != nil || !key.Valid() || (key.Use != "" && key.Use != "sig") {
			continue
		}
		if key = key.Public(); key.Key == nil {
			continue // symmetric
		}
		if r, ok := key.Key.(*rsa.PublicKey); ok && r.N.BitLen() < minRSABits {
			continue
		}
		set[key.KeyID] = key
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("the JSON Web Key Set has no key that can verify tokens")
	}
	return set, nil
}

// sameKeys reports whether two sets are the same, by the thumbprints of their
// keys (RFC 7638).
func sameKeys(a, b map[string]jose.JSONWebKey) bool {
	if len(a) != len(b) {
		return false
	}
	for id, key := range a {
		other, ok := b[id]
		if !ok || key.Algorithm != other.Algorithm || thumbprint(key) != thumbprint(other) {
			return false
		}
	}
	return true
}
