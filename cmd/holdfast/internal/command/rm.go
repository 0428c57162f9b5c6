package command

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// Rm moves files and folders to the trash, or removes them for good.
type Rm struct {
	Items     []string `arg:"" name:"item" help:"Files and folders to move to the trash; with --trash, what to remove from it for good: a path as ls --trash shows it, an id, or a name for the latest of it."`
	Recursive bool     `short:"r" help:"Remove folders too, with all that is in them." env:"-"`
	Force     bool     `short:"f" help:"Accept that there is no such file." env:"-"`
	Purge     bool     `help:"Remove for good instead of moving to the trash." xor:"how" env:"-"`
	Trash     bool     `help:"Remove for good what is in the trash." xor:"how" env:"-"`
	JSON      bool     `name:"json" help:"Print what was removed as JSON." env:"-"`
	Connection
}

// Run runs the command.
func (c *Rm) Run(ctx context.Context, con *console.Console) error {
	s, err := c.session(con, c.JSON)
	if err != nil {
		return err
	}
	return s.each(ctx, c.Items, func(item string) error {
		err := settle(func() error { return c.remove(ctx, s, item) })
		if c.Force && errors.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
}

func (c *Rm) remove(ctx context.Context, s *session, item string) error {
	path, node, err := c.find(ctx, s, item)
	if err != nil {
		return err
	}
	if node.IsFolder() && !c.Recursive {
		return fault.New(fault.Invalid.Reason, "it is a folder; -r removes it with all that is in it")
	}
	if !c.Trash {
		if node, err = s.client.Trash(ctx, node); err != nil {
			return err
		}
	}
	if c.Trash || c.Purge {
		if err := s.client.Purge(ctx, node); err != nil {
			return err
		}
	}
	s.show(path, node)
	return nil
}

// find looks up what is to be removed.
func (c *Rm) find(ctx context.Context, s *session, item string) (api.Path, *api.Node, error) {
	if c.Trash {
		return s.findTrashed(ctx, item)
	}
	path, node, err := s.find(ctx, item)
	if err == nil && path == api.Root {
		err = fault.New(fault.Invalid.Reason, "the root folder can't be removed")
	}
	return path, node, err
}
