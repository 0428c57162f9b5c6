package content

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // a checksum that tus asks for, not a signature
	"crypto/sha256"
	"hash"
	"hash/crc32"

	"github.com/holdfast-files/holdfast/internal/fault"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// newChecksum returns the hash of an announced checksum, nil for none.
// INVALID_ARGUMENT for an algorithm that is not known or a value of another
// length.
func newChecksum(c *storagev1.Checksum) (hash.Hash, error) {
	if c == nil {
		return nil, nil
	}
	var h hash.Hash
	switch c.GetAlgorithm() {
	case storagev1.Checksum_SHA1:
		h = sha1.New() //nolint:gosec // see above
	case storagev1.Checksum_SHA256:
		h = sha256.New()
	case storagev1.Checksum_CRC32C:
		h = crc32.New(crc32.MakeTable(crc32.Castagnoli))
	default:
		return nil, fault.Invalidf("checksum.algorithm", "must be SHA1, SHA256 or CRC32C")
	}
	if len(c.GetValue()) != h.Size() {
		return nil, fault.Invalidf("checksum.value", "must have %d bytes, has %d", h.Size(), len(c.GetValue()))
	}
	return h, nil
}

// verify returns DIGEST_MISMATCH unless what was hashed has its checksum.
func verify(c *storagev1.Checksum, h hash.Hash) error {
	if h == nil || bytes.Equal(c.GetValue(), h.Sum(nil)) {
		return nil
	}
	return mismatch("checksum", c.GetValue(), h.Sum(nil))
}
