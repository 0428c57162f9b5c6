package command

import (
	"context"
	"errors"
	"io"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
)

// Cat writes the contents of files to standard output.
type Cat struct {
	Paths    []string `arg:"" name:"path" help:"Files to write, one after the other."`
	Offset   int64    `help:"First byte to write, counted from 0." default:"0" placeholder:"BYTES" env:"-"`
	Length   int64    `help:"How many bytes to write; up to the end when absent." placeholder:"BYTES" env:"-"`
	Revision string   `help:"Id of the revision to write, as stat --revisions shows it." placeholder:"ID" env:"-"`
	Connection
}

// Validate checks the flags.
func (c *Cat) Validate() error {
	switch {
	case c.Offset < 0:
		return errors.New("--offset must not be below 0")
	case c.Length < 0:
		return errors.New("--length must not be below 0")
	case c.Revision != "" && len(c.Paths) > 1:
		return errors.New("--revision goes with a single file")
	}
	return c.Connection.Validate()
}

// Run runs the command.
func (c *Cat) Run(ctx context.Context, con *console.Console) error {
	s, err := c.session(con, false)
	if err != nil {
		return err
	}
	return s.each(ctx, c.Paths, func(text string) error {
		path, err := api.ParsePath(text)
		if err != nil {
			return err
		}
		content, err := s.client.Open(ctx, api.Source{
			Path: path, Revision: c.Revision, OffsetBytes: c.Offset, LengthBytes: c.Length,
		})
		if err != nil {
			return err
		}
		defer content.Close()
		_, err = io.Copy(con.Out, content)
		return err
	})
}
