package seal_test

import (
	"bytes"
	"errors"
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

func TestHidden(t *testing.T) {
	k := seal.NewKey()
	payload := []byte("who signed, and what")
	token := k.Hide("link", payload)
	if got, err := k.Reveal("link", token); err != nil || !bytes.Equal(got, payload) {
		t.Fatalf("got %q, %v", got, err)
	}
	if bytes.Contains(token, payload[:4]) {
		t.Error("the payload can be read")
	}
	if bytes.Equal(token, k.Hide("link", payload)) {
		t.Error("two tokens are the same")
	}
	for i := range token {
		forged := bytes.Clone(token)
		forged[i] ^= 1
		if _, err := k.Reveal("link", forged); !errors.Is(err, seal.ErrForged) {
			t.Errorf("changed at %d: %v", i, err)
		}
	}
	for name, try := range map[string]func() ([]byte, error){
		"another purpose": func() ([]byte, error) { return k.Reveal("page", token) },
		"another key":     func() ([]byte, error) { return seal.NewKey().Reveal("link", token) },
		"cut":             func() ([]byte, error) { return k.Reveal("link", token[:len(token)-1]) },
		"short":           func() ([]byte, error) { return k.Reveal("link", token[:10]) },
		"sealed":          func() ([]byte, error) { return k.Reveal("link", k.Seal("link", payload)) },
	} {
		if _, err := try(); !errors.Is(err, seal.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
