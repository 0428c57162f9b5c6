// Package crowd_test lets many clients at once use the real programs for long,
// and watches what they take of the machine.
package crowd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// TestSoakCrowd has 30 clients for 2 seconds in each mode, and in a soak 200 for 10 minutes:
// no request may fail, goroutines and open files may not grow, nor in a soak memory.
func TestSoakCrowd(t *testing.T) {
	clients := fleet.Amount("SOAK_CLIENTS", 30, 200)
	length := time.Duration(fleet.Amount("SOAK_CROWD_SECONDS", 2, 600)) * time.Second
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fleet.Mode{fleet.One, fleet.Three} {
		t.Run(string(mode), func(t *testing.T) { crowd(t, mode, programs, clients, length) })
	}
}

func crowd(t *testing.T, mode fleet.Mode, programs string, clients int, length time.Duration) {
	config := fleet.Config{
		Mode: mode, Programs: programs, DataDir: t.TempDir(),
		Flags: map[string]string{"blob-retention": "0s", "sweep-interval": "500ms", "log-level": "warn"},
	}
	quiet := goroutines(t, config) // of a service that nobody has used

	f, err := fleet.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	before := usages(t, f)
	working, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	var requests, bytes atomic.Int64
	var busy sync.WaitGroup
	shared := newTransport(clients)
	for i := range clients {
		c := newClient(f.URL, shared, i)
		busy.Go(func() {
			for working.Err() == nil {
				if err := c.round(t.Context(), &requests, &bytes); err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
			}
		})
	}
	halfway := make(chan []fleet.Usage, 1)
	go func() {
		select {
		case <-time.After(length / 2):
		case <-working.Done():
		}
		halfway <- usages(t, f)
	}()
	busy.Wait()
	half, end := <-halfway, usages(t, f)
	shared.CloseIdleConnections()
	after := settled(t, f, before)
	t.Logf("%d clients, %v: %d requests, %d MiB", clients, length, requests.Load(), bytes.Load()>>20)
	for i, p := range f.Programs() {
		t.Logf("%-9s resident %d MiB before, %d halfway, %d in the end, %d at most; open files %d before, %d in the end, %d after",
			p.Name, before[i].RSSBytes>>20, half[i].RSSBytes>>20, end[i].RSSBytes>>20, end[i].PeakBytes>>20,
			before[i].Files, end[i].Files, after[i].Files)
		// In a few seconds a heap only gets to its size.
		if grown := end[i].RSSBytes - half[i].RSSBytes; length >= time.Minute && grown > half[i].RSSBytes/4+64<<20 {
			t.Errorf("%s has grown by %d MiB in its second half", p.Name, grown>>20)
		}
		if after[i].Files > before[i].Files+blobHandles+slack {
			t.Errorf("%s has %d files open after the crowd has left, %d before it came", p.Name, after[i].Files, before[i].Files)
		}
	}
	for name, n := range count(t, f) {
		t.Logf("%-9s %d goroutines fresh, %d after", name, quiet[name], n)
		if n > quiet[name]+slack {
			t.Errorf("%s has %d goroutines after the crowd has left, a fresh one has %d", name, n, quiet[name])
		}
	}
}

const (
	// blobHandles is how many files of blobs the storage keeps open.
	blobHandles = 512
	// slack is what else may stay: idle connections between the programs, workers
	// of the engine.
	slack = 64
)

// settled waits until the connections of the crowd are gone.
func settled(t *testing.T, f *fleet.Fleet, before []fleet.Usage) []fleet.Usage {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		now, gone := usages(t, f), true
		for i := range now {
			gone = gone && now[i].Files <= before[i].Files+blobHandles+slack
		}
		if gone || time.Now().After(deadline) {
			return now
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			return now
		}
	}
}

func usages(t *testing.T, f *fleet.Fleet) []fleet.Usage {
	t.Helper()
	var all []fleet.Usage
	for _, p := range f.Programs() {
		u, err := fleet.UsageOf(p.PID())
		if err != nil {
			t.Error(err)
		}
		all = append(all, u)
	}
	return all
}

// goroutines starts a fleet, and tells how many goroutines its programs have.
func goroutines(t *testing.T, config fleet.Config) map[string]int {
	t.Helper()
	f, err := fleet.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return count(t, f)
}

// count ends the programs of a fleet with SIGQUIT, upon which Go shows all
// goroutines, and counts them.
func count(t *testing.T, f *fleet.Fleet) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, p := range f.Programs() {
		if err := p.End(syscall.SIGQUIT); err != nil {
			t.Error(err)
		}
	}
	for _, p := range f.Programs() {
		counts[p.Name] = strings.Count("\n"+p.Output(), "\ngoroutine ")
		if counts[p.Name] == 0 {
			t.Error(errors.New(p.Name+" showed no goroutines"), fmt.Sprintf("%.300s", p.Output()))
		}
	}
	return counts
}
