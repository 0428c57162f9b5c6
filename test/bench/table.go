package main

import (
	"fmt"
	"slices"
	"time"
)

// row is what one load came to in one round.
type row struct {
	target, operation string
	outcome           outcome
	cpu               time.Duration
	peakBytes         int64
}

func (r row) perSecond() float64 { return float64(r.outcome.Requests) / r.outcome.Elapsed.Seconds() }

func (r row) bytesPerSecond() float64 { return float64(r.outcome.Bytes) / r.outcome.Elapsed.Seconds() }

// large reports whether CPU is told by GiB and not by operation.
func (r row) large() bool { return r.outcome.Bytes/max(r.outcome.Requests, 1) > 2<<20 }

// cpuSeconds is the CPU that the server used for an operation, or for a GiB.
func (r row) cpuSeconds() float64 {
	if r.large() {
		return r.cpu.Seconds() / (float64(r.outcome.Bytes) / (1 << 30))
	}
	return r.cpu.Seconds() / float64(max(r.outcome.Requests, 1))
}

const tableHead = `| server | operation | per second | MB/s | p50 ms | p99 ms | server CPU | peak MiB |
|---|---|---|---|---|---|---|---|`

// line returns the line of one load, measured in some rounds: of each figure the
// median, and how far the CPU spread.
func line(rounds []row) string {
	median := func(figure func(row) float64) float64 { return sorted(rounds, figure)[len(rounds)/2] }
	cpu := sorted(rounds, row.cpuSeconds)
	text := fmt.Sprintf("%.0f µs/op (%.0f–%.0f)", median(row.cpuSeconds)*1e6, cpu[0]*1e6, cpu[len(cpu)-1]*1e6)
	if rounds[0].large() {
		text = fmt.Sprintf("%.2f s/GiB (%.2f–%.2f)", median(row.cpuSeconds), cpu[0], cpu[len(cpu)-1])
	}
	milliseconds := func(percentile float64) float64 {
		return median(func(r row) float64 { return r.outcome.percentile(percentile).Seconds() * 1e3 })
	}
	return fmt.Sprintf("| %s | %s | %.0f | %.1f | %.2f | %.2f | %s | %.0f |",
		rounds[0].target, rounds[0].operation, median(row.perSecond), median(row.bytesPerSecond)/1e6,
		milliseconds(0.5), milliseconds(0.99), text,
		median(func(r row) float64 { return float64(r.peakBytes >> 20) }))
}

// sorted returns a figure of all rounds, the smallest first.
func sorted(rounds []row, figure func(row) float64) []float64 {
	figures := make([]float64, len(rounds))
	for i, r := range rounds {
		figures[i] = figure(r)
	}
	slices.Sort(figures)
	return figures
}
