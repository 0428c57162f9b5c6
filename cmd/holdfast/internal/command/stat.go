package command

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
)

// Stat shows all that is known about files and folders.
type Stat struct {
	Paths     []string `arg:"" name:"path" help:"Files and folders to show."`
	Revisions bool     `help:"List the revisions of files too, newest first." env:"-"`
	JSON      bool     `name:"json" help:"Print each file and folder, and each revision, as JSON, on a line of its own." env:"-"`
	Connection
}

// Run runs the command.
func (c *Stat) Run(ctx context.Context, con *console.Console) error {
	s, err := c.session(con, c.JSON)
	if err != nil {
		return err
	}
	begun := false
	return s.each(ctx, c.Paths, func(text string) error {
		path, node, err := s.find(ctx, text)
		if err != nil {
			return err
		}
		if begun && !c.JSON {
			s.print.Line("")
		}
		begun = true
		s.show(path, node)
		if !c.JSON {
			s.describe(path, node)
		}
		if c.Revisions && !node.IsFolder() {
			return s.history(ctx, path, node)
		}
		return nil
	})
}

// describe prints a node for people.
func (s *session) describe(path api.Path, node *api.Node) {
	field := func(name, value string) {
		if value != "" {
			s.print.Line("%-14s %s", name+":", value)
		}
	}
	field("Path", string(path))
	field("Resource", node.Name)
	field("Kind", strings.ToLower(string(node.Kind)))
	if !node.IsFolder() {
		s.print.Line("%-14s %s (%d bytes)", "Size:", console.Size(node.SizeBytes), node.SizeBytes)
	}
	field("Content type", node.ContentType)
	field("SHA-256", node.SHA256)
	if node.Revision != "" {
		field("Revision", node.Revision[strings.LastIndexByte(node.Revision, '/')+1:])
	}
	field("Etag", node.ETag)
	field("Created", s.moment(node.CreateTime))
	field("Creator", node.Creator)
	field("Changed", s.moment(node.UpdateTime))
	field("Expires", s.moment(node.ExpireTime))
	for _, key := range slices.Sorted(maps.Keys(node.Labels)) {
		field("Label", key+"="+node.Labels[key])
	}
}

// history prints the revisions of a file.
func (s *session) history(ctx context.Context, path api.Path, node *api.Node) error {
	type revision struct {
		Path string `json:"path"`
		*api.Revision
	}
	for r, err := range s.client.Revisions(ctx, node) {
		switch {
		case err != nil:
			return err
		case s.print.JSON:
			s.print.Object(revision{string(path), r})
		default:
			s.print.Line("  %s  %8s  %s  %s  %s", r.ID(), console.Size(r.SizeBytes), s.moment(r.CreateTime), r.SHA256, r.Creator)
		}
	}
	return nil
}

// moment returns a time to the second, empty when there is none.
func (s *session) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.console.Zone).Format(time.RFC3339)
}
