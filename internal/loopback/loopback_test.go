package loopback_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/loopback"
)

// TestOthers asks in this process and in another at once: nobody gets what
// another has, not even when nobody listens there.
func TestOthers(t *testing.T) {
	if os.Getenv("LOOPBACK_OTHER") != "" {
		t.Log("addresses: " + strings.Join(free(t, 300), " "))
		return
	}
	seen := map[string]bool{}
	take := func(addresses []string) {
		t.Helper()
		for _, address := range addresses {
			if _, err := net.ResolveTCPAddr("tcp", address); err != nil || seen[address] {
				t.Fatalf("%q: %v, or it was given before", address, err)
			}
			seen[address] = true
		}
	}
	take(free(t, 300))
	other := exec.Command(os.Args[0], "-test.run=^TestOthers$", "-test.v") //nolint:gosec,noctx // this program
	other.Env = append(os.Environ(), "LOOPBACK_OTHER=1")
	out, err := other.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, rest, told := strings.Cut(string(out), "addresses: ")
	line, _, whole := strings.Cut(rest, "\n")
	if !told || !whole {
		t.Fatalf("the other process told no addresses: %s", out)
	}
	if take(strings.Fields(line)); len(seen) != 600 {
		t.Errorf("%d addresses in all, want 600", len(seen))
	}
}

// TestTaken asks for more than there are, while somebody listens on one.
func TestTaken(t *testing.T) {
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", free(t, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	for _, address := range free(t, 998) {
		if address == lis.Addr().String() {
			t.Errorf("%s is given, where somebody listens", address)
		}
	}
	if addresses, err := loopback.Free(1000); err == nil {
		t.Errorf("got %d addresses", len(addresses))
	}
}

func free(t *testing.T, n int) []string {
	t.Helper()
	addresses, err := loopback.Free(n)
	if err != nil {
		t.Fatal(err)
	}
	if len(addresses) != n {
		t.Fatalf("%d addresses, want %d", len(addresses), n)
	}
	return addresses
}
