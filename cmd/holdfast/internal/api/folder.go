package api

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// EnsureFolder returns the folder at a path, and makes it and those above it
// when they are missing. made are the new ones, the topmost first. CONFLICT
// when the path leads to or through a file.
func (c *Client) EnsureFolder(ctx context.Context, path Path) (folder *Node, made []Located, err error) {
	folder, err = c.Lookup(ctx, path)
	if err == nil {
		return folder, nil, mustBeFolder(folder, path)
	}
	if !errors.Is(err, fault.NotFound) || path == Root {
		return nil, nil, err
	}
	above, name := path.Split()
	parent, made, err := c.EnsureFolder(ctx, above)
	if err != nil {
		return nil, made, err
	}
	folder, created, err := c.EnsureChild(ctx, parent, path, name)
	if err == nil && created {
		made = append(made, Located{path, folder})
	}
	return folder, made, err
}

// EnsureChild returns the folder called name in parent, whose path is path,
// and makes it when it is missing. CONFLICT when there is a file.
func (c *Client) EnsureChild(ctx context.Context, parent *Node, path Path, name string) (folder *Node, created bool, err error) {
	folder, err = c.CreateFolder(ctx, parent, name)
	if err == nil {
		return folder, true, nil
	}
	if !errors.Is(err, fault.Exists) {
		return nil, false, err
	}
	if folder, err = c.Lookup(ctx, path); err != nil {
		return nil, false, err
	}
	return folder, false, mustBeFolder(folder, path)
}

func mustBeFolder(node *Node, path Path) error {
	if node.IsFolder() {
		return nil
	}
	return fault.New(fault.Conflict.Reason, "%s is a file", path)
}
