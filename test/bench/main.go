// Command bench measures Holdfast beside what a user would otherwise run on the
// same machine, in one run, and prints a table. It passes no judgement: these
// figures depend on the machine and on what else it does.
//
//	go run ./bench [-duration 5s] [-rounds 3] [-big 1024] [-only NAME] [-op NAME] [-together]
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
	together bool
}

func main() {
	var o options
	flag.DurationVar(&o.duration, "duration", 5*time.Second, "how long one load of small requests lasts")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds; the median is printed")
	flag.Int64Var(&o.bigMiB, "big", 1024, "size of the big file in MiB")
	flag.IntVar(&o.clients, "clients", 32, "connections of a load of small requests")
	flag.StringVar(&o.only, "only", "", "measure only servers whose name contains this")
	flag.StringVar(&o.op, "op", "", "measure only operations whose name contains this")
	flag.BoolVar(&o.together, "together", false,
		"keep all servers running through all rounds: with many short ones, what the machine does beside meets all of them alike")
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
	all := slices.DeleteFunc(candidates(programs), func(c candidate) bool { return !strings.Contains(c.name, o.only) })
	running := &stable{dir: dir, targets: map[string]target{}, keep: o.together}
	measured, err := rounds(ctx, out, all, running, o)
	if err = errors.Join(err, running.stop()); err != nil {
		return err
	}
	fmt.Fprintln(out, tableHead)
	for _, operations := range measured {
		for _, rounds := range operations {
			fmt.Fprintln(out, line(rounds))
		}
	}
	return nil
}

// rounds measures all candidates and returns the rows of each one by operation.
func rounds(ctx context.Context, out io.Writer, all []candidate, running *stable, o options) ([][][]row, error) {
	measured := make([][][]row, len(all))
	for round := range o.rounds {
		// Each round begins with another server: the first one finds another
		// machine than the last.
		for i := range all {
			i = (i + round) % len(all)
			t, err := running.start(ctx, all[i])
			if errors.Is(err, errMissing) {
				if round == 0 {
					fmt.Fprintf(out, "left out: %s: %v\n", all[i].name, err)
				}
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", all[i].name, err)
			}
			rows, err := measure(ctx, t, running.dir, o)
			if err = errors.Join(err, running.release(all[i])); err != nil {
				return nil, fmt.Errorf("%s: %w", all[i].name, err)
			}
			for operation, r := range rows {
				if len(measured[i]) == operation {
					measured[i] = append(measured[i], nil)
				}
				measured[i][operation] = append(measured[i][operation], r)
			}
		}
	}
	return measured, nil
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
