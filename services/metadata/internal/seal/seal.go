// Package seal gives tokens out that come back unchanged or not at all: grants
// of uploads and page tokens. A token is bound to a purpose. What is sealed can be
// read by who holds it, and what is hidden cannot.
package seal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeyBytes is the length of a key.
const KeyBytes = 32

// ErrForged tells that a token was not sealed with this key for this purpose.
var ErrForged = errors.New("seal: token is not ours")

// Key seals tokens. All metadata tasks of a deployment share one.
type Key [KeyBytes]byte

// NewKey returns a random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k[:]) // never fails (crypto/rand)
	return k
}

// KeyOf returns the key that follows from a secret.
func KeyOf(secret string) Key {
	return sha256.Sum256([]byte("holdfast seal\x00" + secret))
}

// Seal returns the token of payload for a purpose.
func (k Key) Seal(purpose string, payload []byte) []byte {
	token := make([]byte, 0, len(payload)+sha256.Size)
	return append(append(token, payload...), k.mac(purpose, payload)...)
}

// Open returns the payload of a token, or ErrForged.
func (k Key) Open(purpose string, token []byte) ([]byte, error) {
	if len(token) < sha256.Size {
		return nil, ErrForged
	}
	payload, mac := token[:len(token)-sha256.Size], token[len(token)-sha256.Size:]
	if !hmac.Equal(mac, k.mac(purpose, payload)) {
		return nil, ErrForged
	}
	return payload, nil
}

// Hide returns the token of payload for a purpose; nobody can read the payload in
// it (XChaCha20-Poly1305, whose nonces may be drawn at random).
func (k Key) Hide(purpose string, payload []byte) []byte {
	token := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(payload)+chacha20poly1305.Overhead)
	_, _ = rand.Read(token) // never fails (crypto/rand)
	box, err := chacha20poly1305.NewX(k.mac("hide\x00"+purpose, nil))
	if err != nil {
		panic(err) // only for a key of another length
	}
	return box.Seal(token, token, payload, []byte(purpose))
}

// Reveal returns the payload of a token of Hide, or ErrForged.
func (k Key) Reveal(purpose string, token []byte) ([]byte, error) {
	if len(token) < chacha20poly1305.NonceSizeX {
		return nil, ErrForged
	}
	box, err := chacha20poly1305.NewX(k.mac("hide\x00"+purpose, nil))
	if err != nil {
		panic(err) // as above
	}
	nonce, hidden := token[:chacha20poly1305.NonceSizeX], token[chacha20poly1305.NonceSizeX:]
	payload, err := box.Open(nil, nonce, hidden, []byte(purpose))
	if err != nil {
		return nil, ErrForged
	}
	return payload, nil
}

func (k Key) mac(purpose string, payload []byte) []byte {
	h := hmac.New(sha256.New, k[:])
	_, _ = h.Write([]byte(purpose)) // a hash.Hash never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(payload)
	return h.Sum(nil)
}
