package header

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/dunglas/httpsfv"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// Digests are what a client announced its bytes to be; nil where it announced
// nothing.
type Digests struct {
	SHA256 []byte
	SHA512 []byte
}

// ParseDigests reads Repr-Digest and Content-Digest (RFC 9530), which mean the
// same here because there is no content coding. Algorithms other than sha-256
// and sha-512 are ignored. INVALID_ARGUMENT when a field is not a dictionary,
// when a digest has the wrong type or length, or when the two fields contradict
// each other.
func ParseDigests(h http.Header) (Digests, error) {
	return parseDigests(h, "Repr-Digest", "Content-Digest")
}

// ParseDigest reads one of the two fields, where they do not mean the same: with
// contents that come in several requests Content-Digest is about one of them.
// The errors are those of ParseDigests.
func ParseDigest(name string, h http.Header) (Digests, error) { return parseDigests(h, name) }

func parseDigests(h http.Header, names ...string) (Digests, error) {
	var d Digests
	for _, name := range names {
		lines := h[name]
		if len(lines) == 0 {
			continue
		}
		if err := d.add(name, lines); err != nil {
			return Digests{}, err
		}
	}
	return d, nil
}

func (d *Digests) add(name string, lines []string) error {
	dict, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return fault.Invalidf(name, "not a structured dictionary (RFC 9530): %v", err)
	}
	for _, algorithm := range dict.Names() {
		var target *[]byte
		var size int
		switch algorithm {
		case "sha-256":
			target, size = &d.SHA256, sha256.Size
		case "sha-512":
			target, size = &d.SHA512, sha512.Size
		default:
			continue
		}
		sum, err := digestValue(dict, algorithm, size)
		if err != nil {
			return fault.Invalidf(name, "%s: %v", algorithm, err)
		}
		if *target != nil && !bytes.Equal(*target, sum) {
			return fault.Invalidf(name, "%s: differs from the one in Repr-Digest", algorithm)
		}
		*target = sum
	}
	return nil
}

func digestValue(dict *httpsfv.Dictionary, algorithm string, size int) ([]byte, error) {
	member, _ := dict.Get(algorithm)
	item, ok := member.(httpsfv.Item)
	if !ok {
		return nil, errors.New("want one value")
	}
	sum, ok := item.Value.([]byte)
	if !ok || len(sum) != size {
		return nil, fmt.Errorf("want %d bytes, in base64 between colons", size)
	}
	return sum, nil
}

// ReprDigest returns the Repr-Digest of contents whose SHA-256 is given in
// hexadecimal; "" when it is not one.
func ReprDigest(sha256Hex string) string {
	const prefix = "sha-256=:"
	var sum [sha256.Size]byte
	if len(sha256Hex) != hex.EncodedLen(len(sum)) {
		return ""
	}
	var text [len(prefix) + 44 + 1]byte
	if _, err := hex.Decode(sum[:], []byte(sha256Hex)); err != nil {
		return ""
	}
	copy(text[:], prefix)
	base64.StdEncoding.Encode(text[len(prefix):], sum[:])
	text[len(text)-1] = ':'
	return string(text[:])
}
