// Package crash_test kills the real programs with SIGKILL in the middle of their
// work, over and over, and compares everything that was acknowledged.
package crash_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/fleet"
)

var (
	workers = flag.Int("workers", 6, "clients that change files meanwhile")
	seed    = flag.Uint64("seed", 0, "seed of the choices; 0 for a fresh one")
)

// TestSoakKills kills 60 times, and in a soak SOAK_KILLS times, half of them in
// each mode.
func TestSoakKills(t *testing.T) {
	kills := fleet.Amount("SOAK_KILLS", 60, 1000)
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fleet.Mode{fleet.One, fleet.Three} {
		t.Run(string(mode), func(t *testing.T) { killAndCompare(t, mode, programs, kills/2) })
	}
}

// harness is a fleet that is killed and started again while workers use it.
type harness struct {
	t     *testing.T
	fleet *fleet.Fleet
	// whole is held by those who need the service to be there.
	whole   sync.RWMutex
	workers []*worker
}

func killAndCompare(t *testing.T, mode fleet.Mode, programs string, kills int) {
	ctx := t.Context()
	choices := *seed
	if choices == 0 {
		choices = rand.Uint64() //nolint:gosec // a test's choices
	}
	t.Logf("seed %d", choices)
	random := rand.New(rand.NewPCG(choices, 0)) //nolint:gosec // a test's choices
	f, err := fleet.Start(ctx, fleet.Config{
		Mode: mode, Programs: programs, DataDir: t.TempDir(),
		Flags: map[string]string{
			"upload-lifetime": "20s", "blob-retention": "0s", "sweep-grace": "2s", "sweep-interval": "300ms", "log-level": "warn",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, fleet: f}
	for i := range *workers {
		h.workers = append(h.workers, h.newWorker(ctx, fmt.Sprintf("/w%d", i), rand.New(rand.NewPCG(choices, uint64(i+1))))) //nolint:gosec // as above
	}
	histogram, inFlight := map[string]int{}, 0
	for kill := range kills {
		doing := h.round(ctx, random)
		if t.Failed() {
			t.Fatalf("after kill %d, seed %d", kill+1, choices)
		}
		if len(doing) > 0 {
			inFlight++
		}
		for _, kind := range doing {
			histogram[kind]++
		}
	}
	t.Logf("%d kills, %d of them with a change in flight; changes in flight by kind:\n%s", kills, inFlight, lines(histogram))
	if inFlight*10 < kills*9 {
		t.Errorf("only %d of %d kills hit a change in flight", inFlight, kills)
	}
	h.settle(ctx, programs)
	if err := f.Stop(); err != nil {
		t.Error(err)
	}
}

func (h *harness) newWorker(ctx context.Context, path string, random *rand.Rand) *worker {
	c := newClient(h.fleet.URL)
	top, err := c.call(ctx, http.MethodPost, "spaces/default/files", "", map[string]string{"displayName": path[1:], "kind": "FOLDER"})
	if err != nil {
		h.t.Fatal(err)
	}
	w := &worker{c: c, top: top.Name, path: path, random: random, nodes: map[string]entry{}}
	w.doing.Store("")
	w.repaired = func(ctx context.Context) error {
		// The kill may be a moment away from being noticed by the harness.
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
		}
		h.whole.RLock()
		defer h.whole.RUnlock()
		return ctx.Err()
	}
	return w
}

// round lets the workers work, kills a program, starts it again, lets the
// workers finish what they were doing, and compares. It returns the changes
// that were under way when the kill came.
func (h *harness) round(ctx context.Context, random *rand.Rand) []string {
	working, stop := context.WithCancel(ctx)
	defer stop()
	over := make(chan struct{})
	var busy sync.WaitGroup
	for _, w := range h.workers {
		busy.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := w.step(working); err != nil {
					h.t.Errorf("%s: %v", w.path, err)
					return
				}
			}
		})
	}
	await(ctx, time.Duration(20+random.IntN(180))*time.Millisecond)

	h.whole.Lock()
	programs := h.fleet.Programs()
	victim := programs[random.IntN(len(programs))]
	var doing []string
	for _, w := range h.workers {
		if kind, _ := w.doing.Load().(string); kind != "" {
			doing = append(doing, kind)
		}
	}
	err := victim.Kill()
	if err == nil {
		err = victim.Start()
	}
	if err == nil {
		err = h.fleet.AwaitReady(ctx)
	}
	h.whole.Unlock()
	close(over)
	if err != nil {
		stop()
		h.t.Errorf("kill and restart of %s: %v\n%s", victim.Name, err, victim.Output())
	}
	busy.Wait()
	for _, w := range h.workers {
		busy.Go(func() {
			if err := w.verify(ctx); err != nil {
				h.t.Errorf("%s: after a kill of %s: %v", w.path, victim.Name, err)
			}
		})
	}
	busy.Wait()
	return doing
}

func await(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// settle checks that the data are sound: every record has its bytes, and every
// blob its record or a job.
func (h *harness) settle(ctx context.Context, programs string) {
	if out, err := h.fsck(ctx, programs); err != nil {
		h.t.Errorf("fsck: %v\n%s", err, out)
	}
}

func (h *harness) fsck(ctx context.Context, programs string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(programs, "holdfast"), //nolint:gosec // ours
		"fsck", "--deep", "--inspect", h.fleet.Inspect)
	command.Env = fleet.Environ()
	out, err := command.CombinedOutput()
	return string(out), err
}

func lines(histogram map[string]int) string {
	var text []string
	for kind, n := range histogram {
		text = append(text, fmt.Sprintf("  %6d %s", n, kind))
	}
	sort.Strings(text)
	return strings.Join(text, "\n")
}
