package seal

import (
	"encoding/base64"
	"errors"
	"strings"
)

// Ring is keys of which the first seals and each opens, so that a key can be
// changed while tokens of the one before are out. It has one key at least.
type Ring []Key

// RingOf returns the keys that follow from secrets with white space between them.
func RingOf(secrets string) Ring {
	var r Ring
	for secret := range strings.FieldsSeq(secrets) {
		r = append(r, KeyOf(secret))
	}
	return r
}

// Seal is Key.Seal of the first key.
func (r Ring) Seal(purpose string, payload []byte) []byte { return r[0].Seal(purpose, payload) }

// Hide is Key.Hide of the first key.
func (r Ring) Hide(purpose string, payload []byte) []byte { return r[0].Hide(purpose, payload) }

// Open returns the payload of a token of Seal by one of the keys, or ErrForged.
func (r Ring) Open(purpose string, token []byte) ([]byte, error) {
	return r.each(func(k Key) ([]byte, error) { return k.Open(purpose, token) })
}

// Reveal returns the payload of a token of Hide by one of the keys, or ErrForged.
func (r Ring) Reveal(purpose string, token []byte) ([]byte, error) {
	return r.each(func(k Key) ([]byte, error) { return k.Reveal(purpose, token) })
}

func (r Ring) each(open func(Key) ([]byte, error)) ([]byte, error) {
	for _, k := range r {
		if payload, err := open(k); !errors.Is(err, ErrForged) {
			return payload, err
		}
	}
	return nil, ErrForged
}

// OpenText returns the payload of a token in base64url, empty for an empty one.
func (r Ring) OpenText(purpose, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	token, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", ErrForged
	}
	payload, err := r.Open(purpose, token)
	return string(payload), err
}
