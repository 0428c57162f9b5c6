// Package settings reads the settings of a program from its arguments and from
// the environment, where the flag --data-dir is HOLDFAST_DATA_DIR. Arguments
// win. What is wrong is refused before anything starts, by an error that names
// the flag and the variable.
package settings

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// Prefix begins the name of every environment variable of Holdfast.
const Prefix = "HOLDFAST_"

// Program is a program with settings.
type Program struct {
	// Name is how the program is called.
	Name string
	// Description is what --help says first.
	Description string
	// Version is what --version prints.
	Version string
	// Others are HOLDFAST_ variables that belong to other programs, so that
	// one environment can serve several: names, or beginnings of names that
	// end with "_". Any other unknown one is refused as misspelt.
	Others []string
	// Output gets the help and the version.
	Output io.Writer
}

// ErrDone means that --help or --version was asked for and answered.
var ErrDone = errors.New("settings: nothing left to do")

// Error says which settings are wrong.
type Error struct{ cause error }

// Error returns what is wrong, a setting per line.
func (e *Error) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// ExitCode returns how a main that ends with err exits: 0 for nil and ErrDone,
// 2 for wrong settings, else 1.
func ExitCode(err error) int {
	var wrong *Error
	switch {
	case err == nil || errors.Is(err, ErrDone):
		return 0
	case errors.As(err, &wrong):
		return 2
	}
	return 1
}

// Parse fills cfg, a pointer to a struct with kong's tags, from args (without
// the program's name) and environ (as of os.Environ), and calls the Validate
// methods of it and its parts. Variables that are set to nothing count as not
// set, and the tag env:"-" keeps a flag out of the environment.
//
// It returns ErrDone after --help or --version, or an *Error.
func (p Program) Parse(args, environ []string, cfg any) (*kong.Context, error) {
	env := newEnvironment(environ)
	var version struct {
		Version versionFlag `help:"Print the version and exit." env:"-"`
	}
	parser, err := kong.New(cfg,
		kong.Name(p.Name),
		kong.Description(p.Description),
		kong.Vars{"version": p.Version},
		kong.Embed(&version),
		kong.Writers(p.Output, p.Output),
		kong.Exit(func(int) { panic(ErrDone) }),
		kong.PostBuild(env.bind),
		kong.Resolvers(env),
		kong.ValueFormatter(env.help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	ctx, err := parse(parser, args)
	if errors.Is(err, ErrDone) {
		return nil, err
	}
	if err != nil {
		err = errors.New(env.name(err.Error()))
	}
	if err := errors.Join(err, env.refuseUnknown(p.Others)); err != nil {
		return nil, &Error{err}
	}
	return ctx, nil
}

// parse returns ErrDone when kong wants to exit.
func parse(parser *kong.Kong, args []string) (ctx *kong.Context, err error) {
	defer func() {
		if v := recover(); v == ErrDone { //nolint:errorlint // the very value that Exit panics with
			ctx, err = nil, ErrDone
		} else if v != nil {
			panic(v)
		}
	}()
	return parser.Parse(args)
}

type versionFlag bool

// BeforeReset prints the version.
func (versionFlag) BeforeReset(app *kong.Kong, vars kong.Vars) error {
	_, err := fmt.Fprintln(app.Stdout, vars["version"])
	app.Exit(0)
	return err
}

var flagName = regexp.MustCompile(`--[a-z][a-z0-9-]*[a-z0-9]`)

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
