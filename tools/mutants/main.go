// Command mutants proves that the tests can fail. It takes the mutants in a
// folder one by one, changes the source as each says, runs the command that
// must notice, and prints killed or survived by name.
//
//	mutants [-list DIR] [-run REGEXP] [-timeout D] [-v]
//
// It runs in tools/ or with -root, never touches the tree (the changes live in
// a go build -overlay) and exits with 1 when a mutant survived or is broken:
// its text is no longer in the source, it does not compile, or its command
// fails without it as well.
//
// # A mutant
//
// is a txtar file, NAME.txtar, in tools/mutants/list:
//
//	Without the etag condition a stale overwrite wins, and an acknowledged
//	revision is lost.
//
//	dir: test
//	run: go test ./history -run TestLinearizable
//	env: HISTORY_OPERATIONS=20000
//	sees: not linearizable
//	-- services/metadata/internal/namespace/commit.go --
//		conditions = append(conditions, table.FieldEquals(child, etag))
//	-- with --
//
// First why the condition is there. Then dir, the folder where the command
// runs; run, the command, split at spaces, no shell; env, optional and
// repeatable; sees, optional, a regular expression that the output of the
// failed command must match, so that it fails for the right reason. Then one or
// more edits: whole lines that occur exactly once in the file, and what takes
// their place.
//
// The command gets the changes through GOFLAGS=-overlay, and so does every go
// command that it starts: a harness that builds the binaries it runs builds the
// mutant. -count=1 is in GOFLAGS too, so no test result is an old one.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run reports whether every mutant was killed.
func run(ctx context.Context, args []string, out io.Writer) (bool, error) {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	var (
		root    = flags.String("root", "..", "root of the source `tree`")
		list    = flags.String("list", "tools/mutants/list", "`folder` of the mutants, below the root")
		only    = flags.String("run", "", "only mutants whose name matches this `regexp`")
		timeout = flags.Duration("timeout", 30*time.Minute, "longest time for one command")
		verbose = flags.Bool("v", false, "print the output of each command")
	)
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return false, err
	}
	absolute, err := filepath.Abs(*root)
	if err != nil {
		return false, err
	}
	mutants, err := load(filepath.Join(absolute, filepath.FromSlash(*list)), wanted)
	if err != nil {
		return false, err
	}
	if len(mutants) == 0 {
		return false, fmt.Errorf("no mutant in %s matches %q", *list, *only)
	}
	lab := newLab(absolute, *timeout)
	if *verbose {
		lab.output = out
	}
	count := map[verdict]int{}
	for _, mutant := range mutants {
		result := lab.try(ctx, mutant)
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		count[result.verdict]++
		fmt.Fprintf(out, "%-8s  %-44s %7.1fs  %s\n", result.verdict, mutant.name, result.took.Seconds(), result.detail)
	}
	fmt.Fprintf(out, "%d killed, %d survived, %d broken\n", count[killed], count[survived], count[broken])
	return count[killed] == len(mutants), nil
}
