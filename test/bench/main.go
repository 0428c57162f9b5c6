// Command bench measures Holdfast beside what a user would otherwise run on the
// same machine, in one run, and prints a table. It passes no judgement: these
// figures depend on the machine and on what else it does.
//
//	go run ./bench [-duration 5s] [-rounds 3] [-big 1024] [-only NAME] [-op NAME]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/test/fleet"
)

type options struct {
	duration time.Duration
	rounds   int
	bigMiB   int64
	clients  int
	only     string
	op       string
}

func main() {
	var o options
	flag.DurationVar(&o.duration, "duration", 5*time.Second, "how long one load of small requests lasts")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds; the median is printed")
	flag.Int64Var(&o.bigMiB, "big", 1024, "size of the big file in MiB")
	flag.IntVar(&o.clients, "clients", 32, "connections of a load of small requests")
	flag.StringVar(&o.only, "only", "", "measure only servers whose name contains this")
	flag.StringVar(&o.op, "op", "", "measure only operations whose name contains this")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, o options) error {
	dir, err := os.MkdirTemp("", "holdfast-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	programs, err := fleet.Build(ctx, dir)
	if err != nil {
		return err
	}
	rows := map[string][]row{}
	var order []string
	for round := range o.rounds {
		for _, c := range candidates(programs) {
			if !strings.Contains(c.name, o.only) {
				continue
			}
			data, err := os.MkdirTemp(dir, "data-")
			if err != nil {
				return err
			}
			t, err := c.start(ctx, data)
			if errors.Is(err, errMissing) {
				if round == 0 {
					fmt.Fprintf(out, "left out: %s: %v\n", c.name, err)
				}
				continue
			}
			if err != nil {
				return err
			}
			measured, err := measure(ctx, t, dir, o)
			if err = errors.Join(err, t.stop(), os.RemoveAll(data)); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			for _, r := range measured {
				key := r.target + r.operation
				if rows[key] == nil {
					order = append(order, key)
				}
				rows[key] = append(rows[key], r)
			}
		}
	}
	fmt.Fprintln(out, tableHead)
	for _, key := range order {
		fmt.Fprintln(out, median(rows[key]))
	}
	return nil
}

// median returns the row whose rate is the middle one.
func median(rows []row) row {
	slices.SortFunc(rows, func(a, b row) int {
		rate := func(r row) float64 { return float64(r.outcome.Requests) / r.outcome.Elapsed.Seconds() }
		return int(rate(a) - rate(b))
	})
	return rows[len(rows)/2]
}

// candidate is a server that can be measured.
type candidate struct {
	name  string
	start func(ctx context.Context, dataDir string) (target, error)
}

// errMissing tells that a server is not installed here.
var errMissing = errors.New("not installed")

func candidates(programs string) []candidate {
	return []candidate{
		{"Holdfast, one process", func(ctx context.Context, dir string) (target, error) {
			return holdfast(ctx, fleet.One, programs, dir, nil)
		}},
		{"Holdfast, three processes", func(ctx context.Context, dir string) (target, error) {
			return holdfast(ctx, fleet.Three, programs, dir, nil)
		}},
		{"Holdfast, one process, API key", func(ctx context.Context, dir string) (target, error) {
			return identified(ctx, apiKey, programs, dir)
		}},
		{"Holdfast, one process, token", func(ctx context.Context, dir string) (target, error) {
			return identified(ctx, token, programs, dir)
		}},
		{"nginx DAV", startNginx},
		{"tusd", func(ctx context.Context, dir string) (target, error) {
			return startTusd(ctx, programs, dir)
		}},
		{"versitygw", func(ctx context.Context, dir string) (target, error) {
			return startVersitygw(ctx, programs, dir)
		}},
		{"Holdfast on S3 and DynamoDB", func(ctx context.Context, dir string) (target, error) {
			return onAWS(ctx, programs, dir)
		}},
		{"AWS SDK, straight to S3", func(ctx context.Context, dir string) (target, error) {
			return direct(ctx, programs, dir)
		}},
	}
}
