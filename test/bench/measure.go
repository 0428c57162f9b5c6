package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

const (
	smallBytes = 4 << 10
	smallFiles = 1000
)

// measure puts a target under each load in turn.
func measure(ctx context.Context, t target, o options) ([]row, error) {
	small := make([]byte, smallBytes)
	big := make([]byte, 1<<20)
	var rows []row
	add := func(operation string, l load) error {
		if !strings.Contains(operation, o.op) {
			return nil
		}
		l.address = t.address
		before, err := t.used()
		if err != nil {
			return err
		}
		result, err := l.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", operation, err)
		}
		after, err := t.used()
		if err != nil {
			return err
		}
		rows = append(rows, row{
			target: t.name, operation: operation, outcome: result,
			cpu: after.CPU - before.CPU, peakBytes: after.PeakBytes,
		})
		return nil
	}
	base := rand.Int64()
	err := add("PUT 4 KiB", load{clients: o.clients, duration: o.duration, make: func(n int64) exchange {
		return t.put(fmt.Sprintf("small/%x/%d/%d", base, n%16, n), small, smallBytes)
	}})
	if err != nil {
		return nil, err
	}
	warm := load{address: t.address, clients: o.clients, duration: time.Minute, count: smallFiles, make: func(n int64) exchange {
		return t.put(fmt.Sprintf("get/%d", n), small, smallBytes)
	}}
	if _, err := warm.run(ctx); err != nil {
		return nil, err
	}
	err = add("GET 4 KiB", load{clients: o.clients, duration: o.duration, make: func(int64) exchange {
		return t.get(fmt.Sprintf("get/%d", 1+rand.IntN(smallFiles)))
	}})
	if err != nil || t.smallOnly {
		return rows, err
	}
	bigBytes := o.bigMiB << 20
	write := load{address: t.address, clients: 1, duration: time.Minute, count: 1, make: func(int64) exchange {
		return t.put("big", big, bigBytes)
	}}
	switch {
	case strings.Contains("PUT 1 GiB", o.op):
		err = add("PUT 1 GiB", write)
	case strings.Contains("GET 1 GiB", o.op):
		_, err = write.run(ctx)
	}
	if err != nil {
		return nil, err
	}
	err = add("GET 1 GiB", load{clients: 1, duration: time.Minute, count: 2, make: func(int64) exchange {
		return t.get("big")
	}})
	return rows, err
}
