// Package quota counts what a space holds and keeps it below what the space may
// hold, without an item that every upload writes.
//
// The bound is in escrow: each of a space's counters has an allotment of it, and
// a change takes what it needs from one counter, at random, under the condition
// that the counter has that much free. The allotments together are the bound,
// so no number of concurrent changes exceeds it, and nobody has to know the
// total. Where one counter has too little, the change takes from several.
//
// A space without a bound has one that nothing reaches, so there is one way to
// count and no moment between two.
package quota

import (
	"math"
	"math/rand/v2"

	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Amount is what quotas bound.
type Amount struct {
	Bytes int64 // of all revisions
	Files int64
}

func (a Amount) minus() Amount { return Amount{-a.Bytes, -a.Files} }

func (a Amount) plus(b Amount) Amount { return Amount{a.Bytes + b.Bytes, a.Files + b.Files} }

// Change is a change of what a space holds, of what is reserved in it for open
// uploads, or both.
type Change struct {
	Held     Amount
	Reserved Amount
}

// Reserve is the change by an upload that is opened and will bring a.
func Reserve(a Amount) Change { return Change{Reserved: a} }

// Settle is the change by an upload that had reserved something, which may be
// nothing, and has brought held.
func Settle(reserved, held Amount) Change { return Change{Held: held, Reserved: reserved.minus()} }

// Release is the change by an upload that had reserved something and brings
// nothing any more.
func Release(reserved Amount) Change { return Change{Reserved: reserved.minus()} }

// Back returns the change that undoes c.
func (c Change) Back() Change { return Change{c.Held.minus(), c.Reserved.minus()} }

// needs returns what the change takes from what is free; negative gives back.
func (c Change) needs() Amount { return c.Held.plus(c.Reserved) }

// IsZero reports whether the change changes nothing.
func (c Change) IsZero() bool { return c == Change{} }

// Writes returns the write that carries a change out at one counter; none for
// no change. Its condition is that the counter has enough free; a change that
// only gives back has none. A condition that does not hold does not mean that
// the quota is used up: Shards.Spread tells.
func Writes(space string, c Change) []table.Write {
	if c.IsZero() {
		return nil
	}
	k := rand.IntN(record.UsageShards) //nolint:gosec // spreading load needs no secrecy
	return []table.Write{at(space, k, c.needs(), c.Reserved, c.arrives())}
}

// at returns the write that takes needs from counter k, and notes what of it is
// reserved and whether a file arrives.
func at(space string, k int, needs, reserved Amount, arrives bool) table.Write {
	var adds []table.Add
	if arrives {
		adds = append(adds, arrival())
	}
	for _, d := range dimensions {
		if n := d.of(needs); n != 0 {
			adds = append(adds, take(d, n))
		}
		if n := d.of(reserved); n != 0 {
			adds = append(adds, unbounded(d.reserved, n))
		}
	}
	return table.Increase(record.Usage(space, k), adds...)
}

func take(d *dimension, n int64) table.Add {
	if n < 0 {
		return unbounded(d.free, -n)
	}
	return table.Add{Name: d.free, Delta: -n, Floor: 0}
}

func unbounded(name string, delta int64) table.Add {
	return table.Add{Name: name, Delta: delta, Floor: math.MinInt64}
}

// dimension is one of the things that are counted, with the names of its
// numbers: what is free of the counter's allotment, the allotment, and what is
// reserved. What the counter holds is the allotment less the other two.
type dimension struct {
	what                     string
	free, allotted, reserved string
	in                       func(*Amount) *int64
	most                     func(*recordv1.Quota) int64
}

func (d *dimension) of(a Amount) int64 { return *d.in(&a) }

var (
	bytes = &dimension{
		"bytes", "bytes_free", "bytes_allotted", "bytes_reserved",
		func(a *Amount) *int64 { return &a.Bytes }, (*recordv1.Quota).GetBytes,
	}
	files = &dimension{
		"files", "files_free", "files_allotted", "files_reserved",
		func(a *Amount) *int64 { return &a.Files }, (*recordv1.Quota).GetFiles,
	}
	dimensions = [...]*dimension{bytes, files}
)
