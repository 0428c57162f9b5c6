package apikey_test

import (
	"regexp"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/internal/apikey"
)

func TestSecretsAreWellFormedAndDiffer(t *testing.T) {
	form := regexp.MustCompile(`^hf_[0-9A-Za-z]{49}$`)
	seen := map[[32]byte]bool{}
	for range 1000 {
		secret := apikey.New()
		if !form.MatchString(secret) {
			t.Fatalf("%q is not of the form that the contract promises", secret)
		}
		hash, ok := apikey.Hash(secret)
		if !ok {
			t.Fatalf("%q is not taken for a secret", secret)
		}
		if seen[hash] {
			t.Fatal("two secrets have one hash")
		}
		seen[hash] = true
	}
}

func TestWhatNewCannotHaveMadeIsRefused(t *testing.T) {
	secret := apikey.New()
	for i := len(apikey.Prefix); i < len(secret); i++ {
		other := byte('0')
		if secret[i] == other {
			other = '1'
		}
		if _, ok := apikey.Hash(secret[:i] + string(other) + secret[i+1:]); ok {
			t.Errorf("changing character %d goes unnoticed", i)
		}
	}
	for _, wrong := range []string{"", "hf_", secret[:len(secret)-1], secret + "0", secret[3:], "HF_" + secret[3:], " " + secret} {
		if _, ok := apikey.Hash(wrong); ok {
			t.Errorf("%q is taken for a secret", wrong)
		}
	}
}
