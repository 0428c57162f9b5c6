package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/transfer"
)

// Put copies local files and folders into the space.
type Put struct {
	Paths        []string `arg:"" name:"path" help:"Local files and folders, or - for standard input; then where they go, / when only one path is given."`
	IfAbsent     bool     `help:"Fail for files that exist; by default they get a new revision." xor:"existing" env:"-"`
	SkipExisting bool     `help:"Skip files that exist." xor:"existing" env:"-"`
	NFC          bool     `name:"nfc" help:"Accept names that are not in Unicode normal form C; they are stored in it." env:"-"`
	Strict       bool     `help:"Count symbolic links and other special files as failed, instead of skipping them with a warning." env:"-"`
	ContentType  string   `help:"Media type of the files; by their names when absent." placeholder:"TYPE" env:"-"`
	Movement
	Connection
}

// Help explains what the flags don't.
func (*Put) Help() string {
	return `Copies as cp does: into the destination when it is a folder, ends in a slash or
when there are several sources, and else under its name. A source that ends in
"/." stands for what is in the folder. Missing folders are made.

Files of 16 MiB and more go on where they were when the network was interrupted,
and when this program was, or ended for want of a credential, a right or room:
then run the same command again; with a file that has other bytes by now it begins
anew. What can't go on is given up on the server too.

Files are read before they are sent, because the server has their SHA-256 first and
shows nothing that has another. Owners, modes, times and links are not
kept; a file that changes while it is read fails.`
}

// Validate checks the arguments.
func (c *Put) Validate() error {
	sources, _ := c.split()
	if slices.Contains(sources, transfer.Stdin) {
		switch {
		case len(sources) > 1:
			return errors.New("- goes with no other source")
		case len(c.Paths) < 2:
			return errors.New("- needs a path to put standard input to")
		case c.Checksum:
			return errors.New("--checksum needs a file, not standard input")
		}
	}
	return errors.Join(c.Movement.Validate(), c.Connection.Validate())
}

func (c *Put) split() (sources []string, destination string) {
	if len(c.Paths) < 2 { // none, when Validate is called before they are counted
		return c.Paths, "/"
	}
	return split(c.Paths)
}

// Run runs the command.
func (c *Put) Run(ctx context.Context, con *console.Console) error {
	client, err := c.open(2 * c.Jobs) // some look for files while others send
	if err != nil {
		return err
	}
	defer client.Close()
	existing := transfer.Replace
	switch {
	case c.IfAbsent:
		existing = transfer.Refuse
	case c.SkipExisting:
		existing = transfer.Keep
	}
	report := c.report(con, c.Strict)
	put := transfer.Put{
		Client: client, Jobs: c.Jobs, Recursive: c.Recursive, Existing: existing, SameOnly: c.Checksum,
		NFC: c.NFC, ContentType: c.ContentType, Unfinished: unfinished(), Forgetful: report.forgetful,
		Report: report.item, Meter: report.meter,
	}
	sources, destination := c.split()
	if sources[0] == transfer.Stdin {
		return report.end(ctx, put.Stream(ctx, con.In, destination))
	}
	return report.end(ctx, put.Run(ctx, sources, destination))
}

// unfinished returns the folder for uploads that are not done yet (XDG base
// directories); "" when there is no home to keep it in.
func unfinished() string {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // as the specification asks
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "holdfast", "uploads")
}
