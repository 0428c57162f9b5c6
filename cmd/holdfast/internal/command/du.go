package command

import (
	"context"
	"fmt"
	"sync"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
)

// Du adds up the sizes of folders.
type Du struct {
	Paths     []string `arg:"" optional:"" name:"path" help:"Files and folders to add up; / when absent."`
	Summarize bool     `short:"s" help:"Show the arguments only, not each folder in them." env:"-"`
	Bytes     bool     `help:"Show sizes in bytes." env:"-"`
	Jobs      int      `short:"j" help:"Folders to list at the same time, 8 by default; with 1 they come in order." default:"8" placeholder:"N"`
	JSON      bool     `name:"json" help:"Print each folder as JSON, on a line of its own." env:"-"`
	Connection
}

// Validate checks the flags.
func (c *Du) Validate() error {
	if c.Jobs < 1 {
		return fmt.Errorf("--jobs must be at least 1")
	}
	return c.Connection.Validate()
}

// Run runs the command.
func (c *Du) Run(ctx context.Context, con *console.Console) error {
	s, err := c.session(con, c.JSON)
	if err != nil {
		return err
	}
	if s.client, err = c.open(c.Jobs); err != nil {
		return err
	}
	paths := c.Paths
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	survey := &survey{Du: c, session: s, free: make(chan struct{}, c.Jobs-1)}
	return s.each(ctx, paths, func(text string) error { return survey.argument(ctx, text) })
}

// usage is how much a folder holds, with all that is in it.
type usage struct {
	Path      string `json:"path"`
	SizeBytes int64  `json:"sizeBytes,string"`
	Files     int64  `json:"files"`
	Folders   int64  `json:"folders"`
}

func (u *usage) add(other usage) {
	u.SizeBytes += other.SizeBytes
	u.Files += other.Files
	u.Folders += other.Folders
}

// survey is one run of Du.
type survey struct {
	*Du
	*session
	free chan struct{} // a place for each goroutine besides the first
	mu   sync.Mutex    // guards print and tally
}

func (s *survey) argument(ctx context.Context, text string) error {
	path, node, err := s.find(ctx, text)
	if err != nil {
		return err
	}
	if !node.IsFolder() {
		s.line(usage{Path: string(path), SizeBytes: node.SizeBytes, Files: 1})
		return nil
	}
	total := s.folder(ctx, path, node)
	if s.Summarize {
		s.line(total)
	}
	return nil
}

// folder adds up a folder; what can't be listed is reported and not counted.
func (s *survey) folder(ctx context.Context, path api.Path, folder *api.Node) usage {
	total := usage{Path: string(path)}
	var subfolders []*api.Node
	for node, err := range s.client.List(ctx, folder) {
		switch {
		case err != nil:
			s.broken(ctx, path, err)
		case node.IsFolder():
			subfolders = append(subfolders, &api.Node{Name: node.Name, DisplayName: node.DisplayName})
		default:
			total.Files++
			total.SizeBytes += node.SizeBytes
		}
	}
	total.Folders = int64(len(subfolders))
	s.subfolders(ctx, path, subfolders, &total)
	if !s.Summarize && ctx.Err() == nil {
		s.line(total)
	}
	return total
}

// subfolders adds up folders, each in a goroutine of its own when one is free.
func (s *survey) subfolders(ctx context.Context, path api.Path, folders []*api.Node, total *usage) {
	var mu sync.Mutex
	var busy sync.WaitGroup
	defer busy.Wait()
	for _, folder := range folders {
		look := func() {
			below := s.folder(ctx, path.Join(folder.DisplayName), folder)
			mu.Lock()
			defer mu.Unlock()
			total.add(below)
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case s.free <- struct{}{}:
			busy.Go(func() {
				defer func() { <-s.free }()
				look()
			})
		default:
			look()
		}
	}
}

func (s *survey) broken(ctx context.Context, path api.Path, err error) {
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.Add(err)
	s.fail(string(path), err)
}

func (s *survey) line(u usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.JSON:
		s.print.Object(u)
	case s.Bytes:
		s.print.Line("%13d  %s", u.SizeBytes, u.Path)
	default:
		s.print.Line("%8s  %s", console.Size(u.SizeBytes), u.Path)
	}
}
