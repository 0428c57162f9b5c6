package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"math/big"

	"github.com/go-jose/go-jose/v4"
)

// During makes f happen while a signature by a key for ES256 is looked at.
func (k *Keys) During(id string, key crypto.PublicKey, f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set[id] = jose.JSONWebKey{Key: watchedKey{key.(*ecdsa.PublicKey), f}, KeyID: id}
}

// watchedKey implements jose.OpaqueVerifier.
type watchedKey struct {
	key    *ecdsa.PublicKey
	during func()
}

func (w watchedKey) VerifyPayload(payload, signature []byte, _ jose.SignatureAlgorithm) error {
	w.during()
	sum, half := sha256.Sum256(payload), len(signature)/2
	r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
	if !ecdsa.Verify(w.key, sum[:], r, s) {
		return errors.New("another signature")
	}
	return nil
}
