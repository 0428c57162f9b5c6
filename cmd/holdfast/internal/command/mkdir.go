package command

import (
	"context"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// Mkdir makes folders.
type Mkdir struct {
	Paths   []string `arg:"" name:"path" help:"Folders to make."`
	Parents bool     `short:"p" help:"Make the folders above too, and accept that a folder exists." env:"-"`
	JSON    bool     `name:"json" help:"Print each new folder as JSON." env:"-"`
	Connection
}

// Run runs the command.
func (c *Mkdir) Run(ctx context.Context, con *console.Console) error {
	s, err := c.session(con, c.JSON)
	if err != nil {
		return err
	}
	return s.each(ctx, c.Paths, func(text string) error {
		path, err := api.ParsePath(text)
		if err != nil {
			return err
		}
		if c.Parents {
			return s.makeAll(ctx, path)
		}
		return s.makeOne(ctx, path)
	})
}

func (s *session) makeOne(ctx context.Context, path api.Path) error {
	above, name := path.Split()
	if path == api.Root {
		return fault.New(fault.Exists.Reason, "the root folder exists")
	}
	folder, err := s.client.Lookup(ctx, above)
	if err != nil {
		return err
	}
	node, err := s.client.CreateFolder(ctx, folder, name)
	if err != nil {
		return err
	}
	s.show(path, node)
	return nil
}

func (s *session) makeAll(ctx context.Context, path api.Path) error {
	_, made, err := s.client.EnsureFolder(ctx, path)
	for _, folder := range made {
		s.show(folder.Path, folder.Node)
	}
	return err
}
