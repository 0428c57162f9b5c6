package command

import (
	"context"
	"errors"
	"strings"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// Mv moves and renames files and folders.
type Mv struct {
	Paths []string `arg:"" name:"path" help:"Files and folders to move, then the folder to move them into, or a new name for one."`
	JSON  bool     `name:"json" help:"Print what was moved as JSON." env:"-"`
	Connection
}

// Validate checks the arguments.
func (c *Mv) Validate() error {
	if len(c.Paths) < 2 {
		return errors.New("mv needs what to move and where to")
	}
	return c.Connection.Validate()
}

// Run runs the command.
func (c *Mv) Run(ctx context.Context, con *console.Console) error {
	s, err := c.session(con, c.JSON)
	if err != nil {
		return err
	}
	sources, destination := split(c.Paths)
	to, err := s.place(ctx, destination, len(sources) > 1)
	if err != nil {
		return err
	}
	return s.each(ctx, sources, func(text string) error {
		return settle(func() error { return s.move(ctx, text, to) })
	})
}

func split(paths []string) (sources []string, destination string) {
	last := len(paths) - 1
	return paths[:last], paths[last]
}

func (s *session) move(ctx context.Context, text string, to place) error {
	path, node, err := s.find(ctx, text)
	if err != nil {
		return err
	}
	if path == api.Root {
		return fault.New(fault.Invalid.Reason, "the root folder can't be moved")
	}
	name := to.nameFor(node)
	moved, err := s.client.Move(ctx, node, to.folder, name)
	if err != nil {
		return err
	}
	s.show(to.path.Join(name), moved)
	return nil
}

// place is where something is put within the space.
type place struct {
	folder *api.Node
	path   api.Path // of folder
	name   string   // the new name, empty to keep the one it has
}

func (p place) nameFor(node *api.Node) string {
	if p.name == "" {
		return node.DisplayName
	}
	return p.name
}

// place reads a destination as mv does: an existing folder to go into, which
// it has to be when it ends in a slash or several items go there, or else a
// new name in an existing folder.
func (s *session) place(ctx context.Context, text string, several bool) (place, error) {
	path, node, err := s.find(ctx, text)
	switch {
	case err == nil && node.IsFolder():
		return place{folder: node, path: path}, nil
	case err == nil && (several || strings.HasSuffix(text, "/")):
		return place{}, fault.New(fault.Conflict.Reason, "%s is not a folder", path)
	case err == nil:
		return place{}, fault.New(fault.Exists.Reason, "%s exists", path)
	case several || strings.HasSuffix(text, "/") || !errors.Is(err, fault.NotFound):
		return place{}, err
	}
	above, name := path.Split()
	folder, err := s.client.Lookup(ctx, above)
	return place{folder, above, name}, err
}
