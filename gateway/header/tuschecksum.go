package header

import (
	"encoding/base64"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// TusChecksum is what the bytes of one request are announced to be (tus 1.0,
// extension Checksum).
type TusChecksum struct {
	// Algorithm is one of TusAlgorithms; "" when nothing was announced.
	Algorithm string
	// Sum is the checksum, as long as its algorithm has it.
	Sum []byte
}

// TusAlgorithms is the value of Tus-Checksum-Algorithm.
const TusAlgorithms = "sha1,sha256,crc32c"

var tusSumBytes = map[string]int{"sha1": 20, "sha256": 32, "crc32c": 4}

// ParseTusChecksum reads Upload-Checksum: an algorithm, a space, the checksum in
// Base64; of CRC-32C the big-endian bytes. INVALID_ARGUMENT for anything else,
// for which the extension asks for 400.
func ParseTusChecksum(lines []string) (TusChecksum, error) {
	const name = "Upload-Checksum"
	switch len(lines) {
	case 0:
		return TusChecksum{}, nil
	case 1:
	default:
		return TusChecksum{}, fault.Invalidf(name, "sent more than once")
	}
	algorithm, encoded, _ := strings.Cut(strings.Trim(lines[0], " \t"), " ")
	size, known := tusSumBytes[algorithm]
	if !known {
		return TusChecksum{}, fault.Invalidf(name, "%.40q is not one of %s", algorithm, TusAlgorithms)
	}
	sum, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " \t"))
	if err != nil || len(sum) != size {
		return TusChecksum{}, fault.Invalidf(name, "want %d bytes in Base64 after %s", size, algorithm)
	}
	return TusChecksum{Algorithm: algorithm, Sum: sum}, nil
}
