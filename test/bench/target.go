package main

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

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
	f, err := fleet.Start(ctx, fleet.Config{Mode: mode, Programs: programs, DataDir: dataDir, Flags: all})
	if err != nil {
		return target{}, err
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

// row is one line of the table.
type row struct {
	target, operation string
	outcome           outcome
	cpu               time.Duration
	peakBytes         int64
}

func (r row) String() string {
	seconds := r.outcome.Elapsed.Seconds()
	cpu := fmt.Sprintf("%d µs/op", r.cpu.Microseconds()/max(r.outcome.Requests, 1))
	if r.outcome.Bytes/max(r.outcome.Requests, 1) > 2<<20 {
		cpu = fmt.Sprintf("%.2f s/GiB", r.cpu.Seconds()/(float64(r.outcome.Bytes)/(1<<30)))
	}
	return fmt.Sprintf("| %s | %s | %.0f | %.1f | %.2f | %.2f | %s | %d |",
		r.target, r.operation, float64(r.outcome.Requests)/seconds, float64(r.outcome.Bytes)/seconds/1e6,
		r.outcome.percentile(0.5).Seconds()*1e3, r.outcome.percentile(0.99).Seconds()*1e3, cpu, r.peakBytes>>20)
}

const tableHead = `| server | operation | per second | MB/s | p50 ms | p99 ms | server CPU | peak MiB |
|---|---|---|---|---|---|---|---|`
