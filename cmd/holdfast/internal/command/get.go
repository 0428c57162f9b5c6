package command

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/transfer"
)

// Get copies files and folders of the space into the local file system.
type Get struct {
	Paths        []string `arg:"" name:"path" help:"Files and folders of the space; then where they go locally, the current folder when only one path is given."`
	Force        bool     `short:"f" help:"Replace local files; by default they fail." xor:"existing" env:"-"`
	SkipExisting bool     `help:"Skip files that exist locally." xor:"existing" env:"-"`
	Revision     string   `help:"Id of the revision to get of a single file, as stat --revisions shows it." placeholder:"ID" env:"-"`
	Movement
	Connection
}

// Help explains what the flags don't.
func (*Get) Help() string {
	return `Copies as cp does: into the destination when it is a folder, ends in a slash or
when there are several sources, and else under its name. A source that ends in
"/." stands for what is in the folder.

A file appears under its name when it is whole and its SHA-256 is right. A
download that is cut carries on from where it was. With --force the new file is
on disk before the old one goes; a link, a device or a pipe is never replaced, nor
written to: cat writes there. Files that replace nothing are left to the
system to write, so after a loss of power get them again, with --force
--checksum.`
}

// Validate checks the arguments.
func (c *Get) Validate() error {
	sources, destination := c.split()
	switch {
	case destination == "":
		return errors.New("the destination is empty")
	case c.Revision != "" && (len(sources) > 1 || c.Recursive):
		return errors.New("--revision goes with a single file")
	}
	return errors.Join(c.Movement.Validate(), c.Connection.Validate())
}

func (c *Get) split() (sources []string, destination string) {
	if len(c.Paths) < 2 { // none, when Validate is called before they are counted
		return c.Paths, "."
	}
	return split(c.Paths)
}

// Run runs the command.
func (c *Get) Run(ctx context.Context, con *console.Console) error {
	client, err := c.open(2 * c.Jobs) // some list folders while others receive
	if err != nil {
		return err
	}
	defer client.Close()
	existing := transfer.Refuse
	switch {
	case c.Force:
		existing = transfer.Replace
	case c.SkipExisting:
		existing = transfer.Keep
	}
	report := c.report(con, false)
	get := transfer.Get{
		Client: client, Jobs: c.Jobs, Recursive: c.Recursive, Existing: existing, SameOnly: c.Checksum,
		Revision: c.Revision, Report: report.item, Meter: report.meter,
	}
	sources, destination := c.split()
	return report.end(ctx, get.Run(ctx, sources, destination))
}
