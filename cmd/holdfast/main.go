// Holdfast is a file storage service: serve runs it, the other commands use it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/command"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-files/holdfast/internal/settings"
)

// commands are the commands, in the order of the help.
type commands struct {
	Put     command.Put     `cmd:"" help:"Copy local files and folders into the space."`
	Get     command.Get     `cmd:"" help:"Copy files and folders of the space here."`
	Cat     command.Cat     `cmd:"" help:"Write the contents of files to standard output."`
	Ls      command.Ls      `cmd:"" help:"List folders, or the trash."`
	Mkdir   command.Mkdir   `cmd:"" help:"Make folders."`
	Mv      command.Mv      `cmd:"" help:"Move and rename files and folders."`
	Rm      command.Rm      `cmd:"" help:"Move files and folders to the trash, or remove them for good."`
	Restore command.Restore `cmd:"" help:"Take files and folders out of the trash."`
	Stat    command.Stat    `cmd:"" help:"Show all that is known about files and folders."`
	Du      command.Du      `cmd:"" help:"Add up the sizes of folders."`
	Serve   serveCommand    `cmd:"" help:"Run the whole service in this process."`
	Fsck    fsckCommand     `cmd:"" help:"Compare every record with every blob."`
	Health  healthCommand   `cmd:"" help:"Ask a running service whether it is ready."`
	Boot    bootCommand     `cmd:"" name:"bootstrap" help:"Make the table and the bucket of the AWS engines, outside of AWS."`
}

const description = `Holdfast stores the files of a team.

Paths in the space begin with a slash, which may be left out: docs/a.pdf.

` + exit.Help

func main() {
	err := run(os.Args[1:], os.Environ(), console.Standard())
	if message := exit.Message(err); message != "" {
		fmt.Fprintln(os.Stderr, "holdfast: "+message)
	}
	os.Exit(exit.Of(err))
}

// run parses the arguments and runs the command that they name.
func run(args, environ []string, con *console.Console) error {
	program := settings.Program{
		Name:        "holdfast",
		Description: description,
		Version:     settings.BuildVersion(),
		Output:      con.Out,
	}
	parsed, err := program.Parse(args, environ, new(commands))
	if err != nil {
		return err
	}
	if err := parsed.BindToProvider(interruptible); err != nil {
		return err
	}
	return parsed.Run(con)
}

// interruptible returns a context that the first signal ends, so that a command
// can clean up; the second one ends the process. Only commands that ask for a
// context have their signals taken.
func interruptible() (context.Context, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, nil
}
