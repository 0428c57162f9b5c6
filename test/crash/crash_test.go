// Package crash_test kills the real programs with SIGKILL in the middle of their
// work, over and over, and compares everything that was acknowledged.
package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
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
	many    = flag.Int("kills", 0, "how many kills; 0 for as many as TestSoakKills says")
	seed    = flag.Uint64("seed", 0, "seed of the choices; 0 for a fresh one")
)

// TestSoakKills kills 24 times, and in a soak SOAK_KILLS times, half of them in
// each mode on the embedded engines, and a sixth as often again on those of AWS,
// whose servers are not killed.
func TestSoakKills(t *testing.T) {
	kills := fleet.Amount("SOAK_KILLS", 24, 1000)
	if *many > 0 {
		kills = *many
	}
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fleet.Mode{fleet.One, fleet.Three} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			config := fleet.Config{Mode: mode, Programs: programs, DataDir: dir}
			if mode == fleet.Three {
				// Commits are given up before a metadata that was killed is back.
				config.Flags = map[string]string{"commit-timeout": "100ms"}
			}
			killAndCompare(t, config, kills/2)
			if out, err := fsck(t.Context(), programs, "--data-dir="+dir); err != nil {
				t.Errorf("fsck of the data directory: %v\n%s", err, out)
			}
		})
	}
	t.Run("AWS", func(t *testing.T) {
		t.Parallel()
		standin, err := fleet.StartStandIn(t.Context(), programs, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := standin.Kill(); err != nil {
				t.Error(err)
			}
		})
		killAndCompare(t, fleet.Config{Mode: fleet.Three, Programs: programs, AWS: &standin.AWS}, kills/6)
	})
}

// harness is a fleet that is killed and started again while workers use it.
type harness struct {
	t     *testing.T
	fleet *fleet.Fleet
	// whole is held by those who need the service to be there.
	whole   sync.RWMutex
	workers []*worker
	outages outages
}

func killAndCompare(t *testing.T, config fleet.Config, kills int) {
	ctx := t.Context()
	choices := *seed
	if choices == 0 {
		choices = rand.Uint64()
	}
	t.Logf("seed %d", choices)
	random := rand.New(rand.NewPCG(choices, 0))
	flags := map[string]string{
		"upload-lifetime": "20s", "upload-expiry": "30s", "blob-retention": "0s", "sweep-grace": "2s", "sweep-interval": "300ms", "sweep-lease": "5s", "log-level": "warn",
	}
	maps.Copy(flags, config.Flags)
	config.Flags = flags
	f, err := fleet.Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, fleet: f}
	h.outages.impatient = config.Flags["commit-timeout"] != ""
	for i := range *workers {
		h.workers = append(h.workers, h.newWorker(ctx, fmt.Sprintf("/w%d", i), rand.New(rand.NewPCG(choices, uint64(i+1)))))
	}
	histogram, inFlight := map[string]int{}, 0
	for kill := range kills {
		doing := h.round(ctx, random, kill%20 == 19)
		if t.Failed() {
			t.Fatalf("after kill %d, seed %d", kill+1, choices)
		}
		if len(doing) > 0 {
			inFlight++
		}
		for _, step := range doing {
			histogram[step.String()]++
		}
	}
	t.Logf("%d kills, %d of them with a change in flight; changes in flight by step and what came of it:\n%s",
		kills, inFlight, lines(histogram))
	if inFlight*10 < kills*9 {
		t.Errorf("only %d of %d kills hit a change in flight", inFlight, kills)
	}
	h.settle(ctx, config.Programs)
	if err := f.Stop(); err != nil {
		t.Error(err)
	}
}

func (h *harness) newWorker(ctx context.Context, path string, random *rand.Rand) *worker {
	c := newClient(h.fleet.URL, &h.outages)
	top, err := c.call(ctx, http.MethodPost, "spaces/default/files", "", map[string]string{"displayName": path[1:], "kind": "FOLDER"})
	if err != nil {
		h.t.Fatal(err)
	}
	w := &worker{c: c, top: top.Name, path: path, random: random, nodes: map[string]entry{}}
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

// round lets the workers work, kills, starts again, lets the workers finish what
// they were doing, and compares; all bytes, or those of what has changed. It
// returns the changes that were under way when the kill came.
func (h *harness) round(ctx context.Context, random *rand.Rand, all bool) []*step {
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
	await(ctx, time.Duration(20+random.IntN(120))*time.Millisecond)
	// On a machine with other work they may still be making up what to do.
	for range 1000 {
		if len(h.doing()) > 0 || h.t.Failed() {
			break
		}
		await(ctx, 10*time.Millisecond)
	}

	h.whole.Lock()
	doing := h.doing()
	h.outages.begin()
	victims, err := h.strike(ctx, random)
	h.outages.end()
	h.whole.Unlock()
	close(over)
	if err != nil {
		stop()
		h.t.Errorf("kill and restart of %s: %v", victims, err)
	}
	busy.Wait()
	for _, w := range h.workers {
		busy.Go(func() {
			if err := w.verify(ctx, all); err != nil {
				h.t.Errorf("%s: after a kill of %s: %v", w.path, victims, err)
			}
		})
	}
	busy.Wait()
	if err := h.verifyTrash(ctx, all); err != nil {
		h.t.Errorf("after a kill of %s: %v", victims, err)
	}
	return doing
}

// doing returns the changes under way.
func (h *harness) doing() []*step {
	var doing []*step
	for _, w := range h.workers {
		if step := w.doing.Load(); step != nil {
			doing = append(doing, step)
		}
	}
	return doing
}

// strike kills a program, now and then all of them, and now and then once more
// while it starts again. It returns when all are back.
func (h *harness) strike(ctx context.Context, random *rand.Rand) (victims string, err error) {
	struck := h.fleet.Programs()
	if random.IntN(6) > 0 {
		i := random.IntN(len(struck))
		struck = struck[i : i+1]
	}
	for _, p := range struck {
		victims += p.Name + " "
		if err := p.Kill(); err != nil {
			return victims, err
		}
	}
	for _, p := range struck {
		if err := p.Start(); err != nil {
			return victims, err
		}
		if random.IntN(6) == 0 {
			victims += "(twice) "
			await(ctx, time.Duration(random.IntN(60))*time.Millisecond)
			if err := errors.Join(p.Kill(), p.Start()); err != nil {
				return victims, err
			}
		}
	}
	return victims, h.fleet.AwaitReady(ctx)
}

func await(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// settleTimeout bounds how long the sweeper may take in the end: the lifetime
// of uploads, twice the grace, and what a busy machine adds.
const settleTimeout = 3 * time.Minute

// settle checks that the data are sound: every record has its bytes, and every
// blob its record or a job. Then it removes all that it knows of, and waits
// until the sweeper has left no blob, no revision and no job: whatever the
// kills had left behind could be found.
func (h *harness) settle(ctx context.Context, programs string) {
	if out, err := fsck(ctx, programs, "--deep", "--inspect="+h.fleet.Inspect); err != nil {
		h.t.Errorf("fsck: %v\n%s", err, out)
	}
	for _, w := range h.workers {
		if err := w.clear(ctx); err != nil {
			h.t.Errorf("%s: %v", w.path, err)
		}
	}
	deadline := time.Now().Add(settleTimeout)
	for {
		out, err := fsck(ctx, programs, "--json", "--inspect="+h.fleet.Inspect)
		var left struct {
			Summary struct{ BlobCount, RevisionCount, PendingCount, FindingCount string }
		}
		if err == nil {
			err = json.Unmarshal([]byte(out), &left)
		}
		switch {
		case err != nil:
			h.t.Errorf("fsck in the end: %v\n%s", err, out)
			return
		case left.Summary.BlobCount+left.Summary.RevisionCount+left.Summary.PendingCount == "":
			h.t.Log("fsck found nothing left")
			return
		case time.Now().After(deadline):
			h.t.Errorf("after %v there is left: %s", settleTimeout, out)
			return
		}
		await(ctx, 2*time.Second)
	}
}

func fsck(ctx context.Context, programs string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(programs, "holdfast"), append([]string{"fsck"}, args...)...)
	command.Env = fleet.Environ()
	out, err := command.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		out = append(out, failed.Stderr...)
	}
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
