// Package walls holds the rules of which part of the house may know which, and
// finds the import paths that break them. Its tests run the rules on the tree.
package walls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A Graph maps a package to the packages it imports outside its tests.
type Graph map[string][]string

// Load asks the go command for the packages of the module in dir and everything
// below them, as the module alone (GOWORK=off) builds them. A package that does
// not compile is still listed with its imports.
func Load(ctx context.Context, dir string) (Graph, error) {
	command := exec.CommandContext(ctx, "go", "list", "-e", "-deps", "-json=ImportPath,Imports,Standard", "./...")
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off")
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w: %s", dir, err, stderr.String())
	}
	graph := Graph{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
			Standard   bool
		}
		switch err := decoder.Decode(&pkg); {
		case errors.Is(err, io.EOF):
			return graph, nil
		case err != nil:
			return nil, fmt.Errorf("go list in %s: %w", dir, err)
		}
		if !pkg.Standard {
			graph[pkg.ImportPath] = pkg.Imports
		}
	}
}

// path finds the shortest way from a package to one that forbidden accepts,
// not going through a door. It returns nil when there is none.
func (g Graph) path(from string, forbidden, door func(string) bool) []string {
	before := map[string]string{from: ""}
	queue := []string{from}
	for len(queue) > 0 {
		pkg := queue[0]
		queue = queue[1:]
		for _, imported := range g[pkg] {
			if _, seen := before[imported]; seen || door(imported) {
				continue
			}
			before[imported] = pkg
			if forbidden(imported) {
				return trail(before, imported)
			}
			queue = append(queue, imported)
		}
	}
	return nil
}

// trail walks back from a package to where the search began.
func trail(before map[string]string, pkg string) []string {
	var steps []string
	for ; pkg != ""; pkg = before[pkg] {
		steps = append(steps, pkg)
	}
	slices.Reverse(steps)
	return steps
}
