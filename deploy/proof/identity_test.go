package proof

import (
	"os"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/deploy/contract"
)

// TestBootstrapKeyCanBeRevoked: an installation that has another administrator can
// be without the first one's key. Nothing holds it then, nothing is given it, and
// a caller still needs a credential. README says how to come there, and how to
// replace the key.
func TestBootstrapKeyCanBeRevoked(t *testing.T) {
	for name, there := range map[string]bool{"prod": true, "dev": true, "settled": false} {
		in := installations[name]
		if in.cfg.Identity.Bootstrap != there {
			t.Fatalf("%s: the setting is %v", name, in.cfg.Identity.Bootstrap)
		}
		compute := string(in.stacks["compute"].raw)
		for _, trace := range []string{"BootstrapKey", "the first administrator's key", contract.BootstrapKeyVariable} {
			if strings.Contains(compute, trace) != there {
				t.Errorf("%s: %s is in the template: %v, want %v", name, trace, !there, there)
			}
		}
		issuer := "--oidc-issuer=" + in.cfg.Identity.Issuer
		if !strings.Contains(compute, issuer) || in.cfg.Identity.Issuer == "" {
			t.Errorf("%s: metadata is open: no %s", name, issuer)
		}
	}
	raw, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "**The first administrator's key**")
	text, _, _ = strings.Cut(text, "\n**")
	for _, step := range []string{"`identity.bootstrap`", "`identity.adminGroup`", "`put-secret-value`", "`update-service --force-new-deployment`"} {
		if !strings.Contains(text, step) {
			t.Errorf("README.md doesn't say %s of it", step)
		}
	}
}
