package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// environment answers for the flags that the arguments did not set.
type environment struct {
	values    map[string]string
	variables map[string]string // by flag, without the dashes
}

var _ kong.Resolver = (*environment)(nil)

func newEnvironment(environ []string) *environment {
	e := &environment{values: map[string]string{}, variables: map[string]string{}}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && value != "" {
			e.values[name] = value
		}
	}
	return e
}

// bind gives each flag its variable.
func (e *environment) bind(app *kong.Kong) error {
	return kong.Visit(app.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && flag.Name != "help" && !slices.Contains(flag.Envs, "-") {
			e.variables[flag.Name] = variable(flag.Name)
		}
		if flag, ok := node.(*kong.Flag); ok {
			flag.Envs, flag.Tag.Envs = nil, nil
		}
		return next(nil)
	})
}

// Validate does nothing: kong asks for it.
func (e *environment) Validate(*kong.Application) error { return nil }

// Resolve returns the value that the environment has for a flag, or nil.
func (e *environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if v, ok := e.values[e.variables[flag.Name]]; ok {
		return v, nil
	}
	return nil, nil
}

// help is the help of a flag with its variable.
func (e *environment) help(value *kong.Value) string {
	if value.Flag == nil || e.variables[value.Flag.Name] == "" {
		return value.Help
	}
	return strings.TrimSuffix(value.Help, ".") + " ($" + e.variables[value.Flag.Name] + ")."
}

// name adds the variable to each flag that a message names.
func (e *environment) name(message string) string {
	return flagName.ReplaceAllStringFunc(message, func(flag string) string {
		if v := e.variables[strings.TrimPrefix(flag, "--")]; v != "" {
			return flag + " (" + v + ")"
		}
		return flag
	})
}

// refuseUnknown returns an error that names each HOLDFAST_ variable that is
// neither a flag's nor among the others.
func (e *environment) refuseUnknown(others []string) error {
	known := map[string]bool{}
	for _, v := range e.variables {
		known[v] = true
	}
	var unknown []string
	for name := range e.values {
		if strings.HasPrefix(name, Prefix) && !known[name] && !belongs(name, others) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("unknown environment variables: %s; see --help for those that there are",
		strings.Join(unknown, ", "))
}

func belongs(name string, others []string) bool {
	return slices.ContainsFunc(others, func(other string) bool {
		return name == other || strings.HasSuffix(other, "_") && strings.HasPrefix(name, other)
	})
}
