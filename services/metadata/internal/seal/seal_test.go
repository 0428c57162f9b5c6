package seal_test

import (
	"bytes"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/internal/seal"
)

// FuzzOpen holds that what opens is what was sealed, for that purpose.
func FuzzOpen(f *testing.F) {
	f.Add("grant", []byte("payload"), "page", []byte{})
	f.Add("grant", []byte{}, "grant", bytes.Repeat([]byte{1}, 32))
	key := seal.KeyOf("secret")
	f.Fuzz(func(t *testing.T, purpose string, payload []byte, other string, token []byte) {
		sealed := key.Seal(purpose, payload)
		if opened, err := key.Open(purpose, sealed); err != nil || !bytes.Equal(opened, payload) {
			t.Errorf("opened %q, %v", opened, err)
		}
		if _, err := key.Open(other, sealed); err == nil && other != purpose {
			t.Errorf("sealed for %q, opened for %q", purpose, other)
		}
		if _, err := seal.KeyOf("another").Open(purpose, sealed); err == nil {
			t.Error("another key opens it")
		}
		if _, err := key.Open(purpose, token); err == nil && !bytes.Equal(token, sealed) {
			t.Errorf("forged: %x", token)
		}
	})
}
