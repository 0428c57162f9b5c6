// Package apikey makes the secrets of API keys and tells what they hash to. A
// secret is "hf_", 43 letters and digits of which 256 bits are random, and six
// that check the others, so that a mistyped or invented one is known without a
// look into the records, and scanners for leaked secrets find only real ones.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"
)

// Prefix begins every secret.
const Prefix = "hf_"

const (
	randomBytes  = 32
	randomDigits = 43 // 62^43 > 2^256
	checkDigits  = 6  // 62^6 > 2^32
)

// New returns a fresh secret.
func New() string {
	var entropy [randomBytes]byte
	_, _ = rand.Read(entropy[:]) // never fails (crypto/rand)
	random := digits(new(big.Int).SetBytes(entropy[:]), randomDigits)
	return Prefix + random + check(random)
}

// Hash returns what a secret is stored as, its SHA-256. It is false for what New
// cannot have made.
//
// A plain hash will do, and a slow one would be paid by every call: nobody can
// try 2^256 secrets.
func Hash(secret string) ([sha256.Size]byte, bool) {
	return sha256.Sum256([]byte(secret)), Valid(secret)
}

// Valid reports whether New can have made a secret.
func Valid(secret string) bool {
	body, ok := strings.CutPrefix(secret, Prefix)
	return ok && len(body) == randomDigits+checkDigits && body[randomDigits:] == check(body[:randomDigits])
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

var base = big.NewInt(int64(len(alphabet)))

// digits writes a number with n digits.
func digits(number *big.Int, n int) string {
	text := make([]byte, n)
	rest, digit := new(big.Int).Set(number), new(big.Int)
	for i := n - 1; i >= 0; i-- {
		rest.DivMod(rest, base, digit)
		text[i] = alphabet[digit.Int64()]
	}
	return string(text)
}

func check(random string) string {
	sum := crc32.ChecksumIEEE([]byte(random))
	var text [checkDigits]byte
	for i := checkDigits - 1; i >= 0; i-- {
		text[i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(text[:])
}
