package command

import (
	"context"
	"fmt"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
)

// Ls lists folders or the trash.
type Ls struct {
	Paths     []string `arg:"" optional:"" name:"path" help:"Files and folders to list; / when absent."`
	Long      bool     `short:"l" help:"Show size and time; of the trash, the id too." env:"-"`
	Recursive bool     `short:"R" help:"List the folders in the folders too." env:"-"`
	Bytes     bool     `help:"Show sizes in bytes." env:"-"`
	Trash     bool     `help:"List the trash, each item by the path that it had." env:"-"`
	JSON      bool     `name:"json" help:"Print each file and folder as JSON, on a line of its own." env:"-"`
	Connection
}

// Validate checks the arguments.
func (c *Ls) Validate() error {
	if c.Trash && (c.Recursive || len(c.Paths) > 0) {
		return fmt.Errorf("--trash lists all of the trash: it goes with neither a path nor --recursive")
	}
	return c.Connection.Validate()
}

// Run runs the command.
func (c *Ls) Run(ctx context.Context, con *console.Console) error {
	s, err := c.session(con, c.JSON)
	if err != nil {
		return err
	}
	l := &lister{Ls: c, session: s}
	if c.Trash {
		return s.each(ctx, []string{"the trash"}, func(string) error { return l.trash(ctx) })
	}
	paths := c.Paths
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	l.headings = len(paths) > 1 || c.Recursive
	return s.each(ctx, paths, func(text string) error { return l.list(ctx, text) })
}

// lister is one run of Ls.
type lister struct {
	*Ls
	*session
	headings bool
	begun    bool
}

// list lists one argument.
func (l *lister) list(ctx context.Context, text string) error {
	path, node, err := l.find(ctx, text)
	if err != nil {
		return err
	}
	if !node.IsFolder() {
		l.line(path, node, string(path))
		return nil
	}
	return l.folder(ctx, path, node)
}

// folder lists a folder, and then, when asked to, the folders in it.
func (l *lister) folder(ctx context.Context, path api.Path, folder *api.Node) error {
	l.heading(path)
	var subfolders []*api.Node
	for node, err := range l.client.List(ctx, folder) {
		if err != nil {
			return err
		}
		l.line(path.Join(node.DisplayName), node, node.DisplayName)
		if l.Recursive && node.IsFolder() {
			subfolders = append(subfolders, &api.Node{Name: node.Name, DisplayName: node.DisplayName})
		}
	}
	for _, sub := range subfolders {
		at := path.Join(sub.DisplayName)
		if err := l.folder(ctx, at, sub); err != nil {
			if ctx.Err() != nil {
				return err
			}
			l.tally.Add(err)
			l.fail(string(at), err)
		}
	}
	return nil
}

func (l *lister) heading(path api.Path) {
	if l.JSON || !l.headings {
		return
	}
	if l.begun {
		l.print.Line("")
	}
	l.print.Line("%s:", path)
	l.begun = true
}

// line prints a node as name.
func (l *lister) line(path api.Path, node *api.Node, name string) {
	size := l.size(node.SizeBytes)
	if node.IsFolder() {
		name += "/"
		size = "-"
	}
	switch {
	case l.JSON:
		l.show(path, node)
	case l.Long:
		l.print.Line("%*s  %s  %s", l.sizeWidth(), size, l.console.Time(node.UpdateTime), name)
	default:
		l.print.Line("%s", name)
	}
}

// trash lists the trash.
func (l *lister) trash(ctx context.Context) error {
	atlas := newAtlas(l.client)
	for node, err := range l.client.ListTrash(ctx) {
		if err != nil {
			return err
		}
		path, err := atlas.path(ctx, node)
		if err != nil {
			return err
		}
		name := string(path)
		if path == "" {
			name = "?/" + node.DisplayName // its folder is gone
		}
		size := l.size(node.SizeBytes)
		if node.IsFolder() {
			name += "/"
			size = "-"
		}
		switch {
		case l.JSON:
			l.show(path, node)
		case l.Long:
			l.print.Line("%*s  %s  %s  %s", l.sizeWidth(), size, l.console.Time(node.DeleteTime), node.ID(), name)
		default:
			l.print.Line("%s", name)
		}
	}
	return nil
}

func (l *lister) size(bytes int64) string {
	if l.Bytes {
		return fmt.Sprint(bytes)
	}
	return console.Size(bytes)
}

func (l *lister) sizeWidth() int {
	if l.Bytes {
		return 13 // 5 TiB
	}
	return 8
}
