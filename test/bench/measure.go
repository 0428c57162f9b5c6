package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// size is a size of files, and how they are written and read.
type size struct {
	name    string
	bytes   int64
	clients int
	files   int64 // that there are to read
	once    bool  // as many are written as are read, and not for a time
}

// sizes are those that a target is measured with.
func (t target) sizes(o options) []size {
	all := []size{{name: "4 KiB", bytes: 4 << 10, clients: o.clients, files: 1000}}
	if t.medium {
		all = append(all, size{name: "1 MiB", bytes: 1 << 20, clients: min(8, o.clients), files: 64})
	}
	if !t.smallOnly {
		all = append(all, size{name: "1 GiB", bytes: o.bigMiB << 20, clients: 1, files: 1, once: true})
	}
	return all
}

// measure puts a target under each load in turn. dir is on the disk of its data.
func measure(ctx context.Context, t target, dir string, o options) ([]row, error) {
	var rows []row
	add := func(operation string, l load) error {
		result, used, err := t.under(ctx, l)
		if err != nil {
			return fmt.Errorf("%s: %w", operation, err)
		}
		rows = append(rows, row{target: t.name, operation: operation, outcome: result, cpu: used.CPU, peakBytes: used.PeakBytes})
		return nil
	}
	for _, s := range t.sizes(o) {
		put, get := "PUT "+s.name, "GET "+s.name
		wanted := strings.Contains(put, o.op)
		prefix := func(of string) string { return fmt.Sprintf("%s-%d-%x", of, s.bytes, rand.Int64()) } // new ones, also in a server that is kept
		write := load{clients: s.clients, duration: o.duration, write: true, bytes: s.bytes, prefix: prefix("put")}
		stock := load{clients: s.clients, duration: time.Minute, count: s.files, write: true, bytes: s.bytes, prefix: prefix("get")}
		if s.once {
			write = stock
			if err := warm(dir, s.bytes); err != nil {
				return nil, err
			}
		}
		if wanted {
			if err := add(put, write); err != nil {
				return nil, err
			}
		}
		if !strings.Contains(get, o.op) {
			continue
		}
		if !s.once || !wanted {
			if _, _, err := t.under(ctx, stock); err != nil {
				return nil, err
			}
		}
		read := load{clients: s.clients, duration: o.duration, bytes: s.bytes, prefix: stock.prefix, files: s.files}
		if s.once {
			read.duration, read.count = time.Minute, 2
		}
		if err := add(get, read); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// warm fills the page cache with a file, which it removes. A virtual machine may
// have memory from its host only when it is touched, and that costs ten times
// what the copy into the cache does: by chance one server would pay it, and the
// next one not.
func warm(dir string, bytes int64) error {
	f, err := os.CreateTemp(dir, "warm-")
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, zeros{}, 2*bytes)
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// zeros is endless.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
