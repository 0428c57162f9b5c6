package walls

import (
	"maps"
	"slices"
	"strings"
)

// Prefix is the import path that all modules of the house share.
const Prefix = "github.com/holdfast-files/holdfast/"

// A Wall forbids every way from some packages of ours to others, except
// through its doors. Patterns are import paths, those of ours without Prefix.
// As for the go command, a/... is a and everything below it; ./... is all of
// ours.
type Wall struct {
	Why   string
	From  []string
	Spare []string // taken out of From
	To    []string
	Doors []string // may be gone through, and may know To
}

// A Breach is a shortest import path that breaks a wall.
type Breach struct {
	Wall Wall
	Path []string
}

func (b Breach) String() string {
	steps := make([]string, len(b.Path))
	for i, step := range b.Path {
		steps[i] = strings.TrimPrefix(step, Prefix)
	}
	return strings.Join(steps, " → ") + "\n\t" + b.Wall.Why
}

// Breaches returns one breach for each package that reaches what it must not.
func (w Wall) Breaches(graph Graph) []Breach {
	var breaches []Breach
	to := func(pkg string) bool { return matches(w.To, pkg) && !matches(w.Doors, pkg) }
	door := func(pkg string) bool { return matches(w.Doors, pkg) }
	for _, pkg := range slices.Sorted(maps.Keys(graph)) {
		if !strings.HasPrefix(pkg, Prefix) || !matches(w.From, pkg) {
			continue
		}
		if matches(w.Spare, pkg) || door(pkg) || to(pkg) {
			continue
		}
		if path := graph.path(pkg, to, door); path != nil {
			breaches = append(breaches, Breach{Wall: w, Path: path})
		}
	}
	return breaches
}

func matches(patterns []string, pkg string) bool {
	pkg, own := strings.CutPrefix(pkg, Prefix)
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == "./..." {
			return own
		}
		root, tree := strings.CutSuffix(pattern, "/...")
		return pkg == root || tree && strings.HasPrefix(pkg, root+"/")
	})
}
