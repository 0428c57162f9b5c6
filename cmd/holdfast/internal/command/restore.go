package command

import (
	"context"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
)

// Restore takes files and folders out of the trash.
type Restore struct {
	Items []string `arg:"" name:"item" help:"What to restore: a path as ls --trash shows it, an id, or a name for the latest of it."`
	To    string   `help:"Folder to put it into, or a new path for one; where it was when absent." placeholder:"PATH" env:"-"`
	JSON  bool     `name:"json" help:"Print what was restored as JSON." env:"-"`
	Connection
}

// Run runs the command.
func (c *Restore) Run(ctx context.Context, con *console.Console) error {
	s, err := c.session(con, c.JSON)
	if err != nil {
		return err
	}
	var to place
	if c.To != "" {
		if to, err = s.place(ctx, c.To, len(c.Items) > 1); err != nil {
			return err
		}
	}
	return s.each(ctx, c.Items, func(item string) error { return s.restore(ctx, item, to) })
}

func (s *session) restore(ctx context.Context, item string, to place) error {
	path, node, err := s.findTrashed(ctx, item)
	if err != nil {
		return err
	}
	if to.folder != nil {
		path = to.path.Join(to.nameFor(node))
	}
	restored, err := s.client.Undelete(ctx, node, to.folder, to.nameFor(node))
	if err != nil {
		return err
	}
	s.show(path, restored)
	return nil
}
