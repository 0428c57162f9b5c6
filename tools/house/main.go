// Command house checks what no other tool does about the tree as a whole.
//
//	house proto internal services …
//
// The arguments are the directories of the modules. It runs at the root of the
// repository, looks at what git tracks or would track, and prints one line for
// each finding:
//
//   - a Go file of ours longer than 400 lines;
//   - a go.mod that the arguments do not name, outside tools/pinned;
//   - a module, or go.work, whose go or toolchain line differs from the rest.
//     The modules in tools/pinned hold no code, only the versions of tools, and
//     ask for what those ask for.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
)

func main() {
	findings, err := run(context.Background(), ".", os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(2)
	}
	for _, finding := range findings {
		fmt.Println(finding)
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, modules []string) ([]string, error) {
	files, err := tracked(ctx, root)
	if err != nil {
		return nil, err
	}
	long, lengthErr := longFiles(root, files)
	drift, versionErr := drifted(root, modules)
	return slices.Concat(long, strayModules(files, modules), drift), errors.Join(lengthErr, versionErr)
}

// tracked lists the files that git knows or would add, by slash-separated path.
func tracked(ctx context.Context, root string) ([]string, error) {
	command := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	command.Dir = root
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var files []string
	for name := range bytes.SplitSeq(out, []byte{0}) {
		if len(name) > 0 {
			files = append(files, string(name))
		}
	}
	return files, nil
}
