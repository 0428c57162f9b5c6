package identity_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/apikey"
	"github.com/holdfast-files/holdfast/services/metadata/internal/identity"
)

// oneKey knows one API key, and counts how often it is asked.
type oneKey struct {
	hash  [sha256.Size]byte
	asked int
}

func (k *oneKey) KeyBearer(ctx context.Context, hash []byte) (access.Principal, error) {
	k.asked++
	if string(hash) == string(k.hash[:]) {
		return access.Principal{ID: "key:one", Kind: access.KindKey}, nil
	}
	return noKeys{}.KeyBearer(ctx, hash)
}

func TestCredentials(t *testing.T) {
	secret, bootstrap := apikey.New(), strings.Repeat("bootstrap", 4)
	hash, _ := apikey.Hash(secret)
	keys := &oneKey{hash: hash}
	b := identity.NewBearer(keys, nil, sha(bootstrap))
	for authorization, want := range map[string]string{
		"Bearer " + secret: "key:one", "bearer " + secret: "key:one", "BEARER   " + secret: "key:one",
		"Bearer " + bootstrap: "key:bootstrap",
	} {
		if p, err := b.Authenticate(t.Context(), authorization); err != nil || p.ID != want {
			t.Errorf("got %+v, %v; want %s", p, err, want)
		}
	}
	asked := keys.asked
	for _, authorization := range []string{
		"", "Bearer", "Bearer ", "Basic " + secret, secret, "Bearer " + secret + "0", "Bearer hf_", "Bearer " + bootstrap + "x",
		"Bearer " + bootstrap[1:], "Bearer " + secret[:len(secret)-1] + "!", "Bearer\t" + secret, "Bearer " + secret + ", Bearer " + secret,
		"Bearer eyJhbGciOiJub25lIn0.e30.",
	} {
		if p, err := b.Authenticate(t.Context(), authorization); fault.ReasonOf(err) != unauthenticated {
			t.Errorf("%q: got %+v, %v", authorization, p, err)
		}
	}
	if keys.asked != asked {
		t.Errorf("what can't be a key was looked up %d times", keys.asked-asked)
	}
	if _, err := b.Authenticate(t.Context(), "Bearer "+apikey.New()); fault.ReasonOf(err) != unauthenticated {
		t.Errorf("an unknown key: %v", err)
	}
}

func sha(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// Without a bootstrap key nobody bears an empty one.
func TestNoBootstrapKey(t *testing.T) {
	b := identity.NewBearer(&oneKey{}, nil, nil)
	for _, authorization := range []string{"Bearer ", "Bearer \x00", "Bearer  "} {
		if p, err := b.Authenticate(t.Context(), authorization); err == nil {
			t.Errorf("%q is %+v", authorization, p)
		}
	}
}
