package e2e_test

import (
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
	"github.com/holdfast-files/holdfast/test/large"
)

// TestSoakLargeFile uploads a large file, kills all processes, starts them again
// and reads it back whole and in ranges; no process may ever have had more than
// 150 MiB. It is small unless soaking; then SOAK_MIB says how large, 5 GiB when
// it does not.
func TestSoakLargeFile(t *testing.T) {
	size := int64(fleet.Amount("SOAK_MIB", 96, 5<<10)) << 20
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fleet.Mode{fleet.One, fleet.Three} {
		t.Run(string(mode), func(t *testing.T) {
			f, g := launched(t, fleet.Config{Mode: mode, Programs: programs, DataDir: t.TempDir()})
			url := g.url + "/v1/spaces/default/paths/large"
			if err := large.Put(t.Context(), url, size); err != nil {
				t.Fatal(err)
			}
			within(t, f, "the upload", 150<<20)
			if err := f.Crash(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := large.Check(t.Context(), url, size); err != nil {
				t.Error(err)
			}
			within(t, f, "the downloads", 150<<20)
		})
	}
}

// within checks what each process has had of memory at most.
func within(t *testing.T, f *fleet.Fleet, during string, most int64) {
	t.Helper()
	for _, p := range f.Programs() {
		used, err := fleet.UsageOf(p.PID())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s, %s: peak %d MiB, %v CPU", during, p.Name, used.PeakBytes>>20, used.CPU)
		if used.PeakBytes > most {
			t.Errorf("%s, %s: %d MiB, at most %d", during, p.Name, used.PeakBytes>>20, most>>20)
		}
	}
}
