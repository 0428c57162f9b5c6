package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
)

// stable holds the servers that run, each with a data directory of its own.
type stable struct {
	dir     string
	keep    bool // until the end
	targets map[string]target
}

// start returns a server that runs, which it starts unless it does already.
func (s *stable) start(ctx context.Context, c candidate) (target, error) {
	if t, ok := s.targets[c.name]; ok {
		return t, nil
	}
	data, err := os.MkdirTemp(s.dir, "data-")
	if err != nil {
		return target{}, err
	}
	t, err := c.start(ctx, data)
	if err != nil {
		return target{}, errors.Join(err, os.RemoveAll(data))
	}
	stop := t.stop
	t.stop = func() error { return errors.Join(stop(), os.RemoveAll(data)) }
	s.targets[c.name] = t
	return t, nil
}

// release stops a server, unless it is kept.
func (s *stable) release(c candidate) error {
	if s.keep {
		return nil
	}
	t := s.targets[c.name]
	delete(s.targets, c.name)
	return t.stop()
}

// stop stops all that run.
func (s *stable) stop() error {
	var err error
	for _, name := range slices.Sorted(maps.Keys(s.targets)) {
		err = errors.Join(err, s.targets[name].stop())
	}
	return err
}
