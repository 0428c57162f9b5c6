package header

import (
	"strings"

	"github.com/dunglas/httpsfv"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// maxIdempotencyKeyBytes is what metadata takes as a request id.
const maxIdempotencyKeyBytes = 128

// ParseIdempotencyKey reads an Idempotency-Key, as the string in quotes that
// draft-ietf-httpapi-idempotency-key-header has, or bare, as many clients send
// it. It returns "" when there is none.
func ParseIdempotencyKey(lines []string) (string, error) {
	if len(lines) == 0 {
		return "", nil
	}
	if len(lines) > 1 {
		return "", fault.Invalidf("Idempotency-Key", "sent more than once")
	}
	key := strings.Trim(lines[0], " \t")
	if strings.HasPrefix(key, `"`) {
		item, err := httpsfv.UnmarshalItem(lines)
		if err != nil {
			return "", fault.Invalidf("Idempotency-Key", "not a structured string: %v", err)
		}
		key, _ = item.Value.(string)
	}
	if key == "" || len(key) > maxIdempotencyKeyBytes {
		return "", fault.Invalidf("Idempotency-Key", "want 1 to %d printable ASCII characters", maxIdempotencyKeyBytes)
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return "", fault.Invalidf("Idempotency-Key", "want printable ASCII characters")
		}
	}
	return key, nil
}
