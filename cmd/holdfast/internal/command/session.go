package command

import (
	"context"
	"errors"
	"strings"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// attempts is how often a command begins anew when what it looked up was
// changed by someone else before it could act on it.
const attempts = 4

// session is one run of a command that works on items one after the other.
type session struct {
	client  *api.Client
	console *console.Console
	print   *console.Printer
	tally   exit.Tally
}

func (c Connection) session(con *console.Console, asJSON bool) (*session, error) {
	client, err := c.open(1)
	if err != nil {
		return nil, err
	}
	return &session{client: client, console: con, print: con.Printer(asJSON)}, nil
}

// each does something for each item, goes on after a failure, and returns how
// the command ends.
func (s *session) each(ctx context.Context, items []string, do func(item string) error) error {
	defer s.client.Close()
	for _, item := range items {
		err := do(item)
		if ctx.Err() != nil {
			break
		}
		s.tally.Add(err)
		if err != nil {
			s.fail(item, err)
		}
	}
	return s.end(ctx)
}

// fail reports that an item failed.
func (s *session) fail(item string, err error) {
	if s.print.JSON {
		s.print.Object(failure{item, newProblem(err)})
	}
	s.print.Flush()
	s.console.Complain("%s: %v", item, err)
}

// end returns how the command ends.
func (s *session) end(ctx context.Context) error {
	if err := s.print.Close(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.tally.Err()
}

// failure is an item that failed, for programs.
type failure struct {
	Path  string  `json:"path"`
	Error problem `json:"error"`
}

// problem is why.
type problem struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func newProblem(err error) problem {
	reason := strings.TrimPrefix(fault.ReasonOf(err).String(), "REASON_")
	var known *fault.Error
	if !errors.As(err, &known) {
		reason = "LOCAL"
	}
	return problem{reason, err.Error()}
}

// show prints a node for programs.
func (s *session) show(path api.Path, node *api.Node) {
	if s.print.JSON {
		s.print.Object(api.Located{Path: path, Node: node})
	}
}

// find looks up a path as it was typed.
func (s *session) find(ctx context.Context, text string) (api.Path, *api.Node, error) {
	path, err := api.ParsePath(text)
	if err != nil {
		return "", nil, err
	}
	node, err := s.client.Lookup(ctx, path)
	return path, node, err
}

// settle repeats something that looks up a node and then acts on it, when the
// node was changed in between.
func settle(do func() error) (err error) {
	for range attempts {
		if err = do(); !errors.Is(err, fault.Precondition) {
			break
		}
	}
	return err
}
