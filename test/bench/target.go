package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// target is a server under load.
type target struct {
	name    string
	address string
	pids    []int
	// put and get say how a file of a name is written and read.
	put  func(name string, body []byte, size int64) exchange
	get  func(name string) exchange
	stop func() error
	// smallOnly leaves the loads of large files out, medium adds files of 1 MiB.
	smallOnly, medium bool
	// run, when not nil, carries loads out instead.
	run func(ctx context.Context, l load) (outcome, fleet.Usage, error)
}

// under puts the target under a load, and returns what it used for it.
func (t target) under(ctx context.Context, l load) (outcome, fleet.Usage, error) {
	if t.run != nil {
		return t.run(ctx, l)
	}
	before, err := t.used()
	if err != nil {
		return outcome{}, before, err
	}
	l.address = t.address
	body := make([]byte, min(l.bytes, 1<<20))
	l.make = func(n int64) exchange {
		if l.write {
			return t.put(l.name(n), body, l.bytes)
		}
		return t.get(l.name(n))
	}
	o, err := l.run(ctx)
	if err != nil {
		return o, before, err
	}
	after, err := t.used()
	after.CPU -= before.CPU
	return o, after, err
}

// used returns what all processes of the target have used together.
func (t target) used() (fleet.Usage, error) {
	var sum fleet.Usage
	for _, pid := range t.pids {
		u, err := fleet.UsageOf(pid)
		if err != nil {
			return sum, err
		}
		sum.CPU += u.CPU
		sum.PeakBytes += u.PeakBytes
	}
	return sum, nil
}

// holdfast starts Holdfast in one of its modes.
func holdfast(ctx context.Context, mode fleet.Mode, programs, dataDir string, flags map[string]string) (target, error) {
	all := map[string]string{"log-level": "warn"}
	maps.Copy(all, flags)
	// A file, as a pipe to this process would have it read along.
	log, err := os.Create(filepath.Join(dataDir, "log"))
	if err != nil {
		return target{}, err
	}
	defer log.Close() //nolint:errcheck // the programs have it open for themselves
	f, err := fleet.Start(ctx, fleet.Config{Mode: mode, Programs: programs, DataDir: dataDir, Flags: all, Log: log})
	if err != nil {
		text, _ := os.ReadFile(log.Name()) // only to explain
		return target{}, fmt.Errorf("%w: %s", err, text)
	}
	return measured("Holdfast, "+string(mode), f), nil
}

// measured is a target that is a running fleet.
func measured(name string, f *fleet.Fleet) target {
	t := target{
		name: name, address: strings.TrimPrefix(f.URL, "http://"), stop: f.Stop,
		put: func(name string, body []byte, size int64) exchange {
			return exchange{method: "PUT", path: "/v1/spaces/default/paths/" + name, body: body, bodyBytes: size, want: 201}
		},
		get: func(name string) exchange {
			return exchange{method: "GET", path: "/v1/spaces/default/paths/" + name, want: 200}
		},
	}
	for _, p := range f.Programs() {
		t.pids = append(t.pids, p.PID())
	}
	return t
}
