package record

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/google/uuid"
)

// NewID returns a fresh UUIDv7 in text form.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// NewIDAt returns a fresh UUIDv7 (RFC 9562, section 5.7) of a given
// millisecond, so that the order of ids can follow a time that was decided
// under a condition and not the clock of the task that wrote it.
func NewIDAt(millis int64) string {
	var id uuid.UUID
	_, _ = rand.Read(id[6:]) // never fails (crypto/rand)
	for i := range 6 {
		id[i] = byte(millis >> (8 * (5 - i)))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// NewEtag returns a fresh opaque tag.
func NewEtag() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// FirstIDAt returns the first of all UUIDv7 of a millisecond in text form.
func FirstIDAt(millis int64) string {
	var id uuid.UUID
	for i := range 6 {
		id[i] = byte(millis >> (8 * (5 - i)))
	}
	id[6], id[8] = 0x70, 0x80
	return id.String()
}
