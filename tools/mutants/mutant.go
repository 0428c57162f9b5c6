package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/tools/txtar"
)

// A mutant is a change to the source that some test must notice.
type mutant struct {
	name  string
	why   string
	dir   string // where the command runs, below the root
	run   []string
	env   []string
	sees  *regexp.Regexp
	edits []edit
}

// An edit replaces old, whole lines that occur once in a file.
type edit struct {
	file     string // slash-separated, below the root
	old, new []byte
}

// load reads the mutants of a folder whose name matches, in order of name.
func load(dir string, wanted *regexp.Regexp) ([]mutant, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	var mutants []mutant
	for _, path := range names {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		if !wanted.MatchString(name) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		mutant, err := parse(name, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		mutants = append(mutants, mutant)
	}
	return mutants, nil
}

func parse(name string, text []byte) (mutant, error) {
	archive := txtar.Parse(text)
	m := mutant{name: name}
	if err := m.parseHead(string(archive.Comment)); err != nil {
		return m, err
	}
	for sections := archive.Files; len(sections) > 0; sections = sections[2:] {
		if len(sections) == 1 || sections[1].Name != "with" {
			return m, fmt.Errorf("after -- %s -- must come -- with --", sections[0].Name)
		}
		m.edits = append(m.edits, edit{sections[0].Name, sections[0].Data, sections[1].Data})
	}
	missing := cmp.Or(
		unless(m.why != "", "a sentence that says why"),
		unless(m.dir != "", "dir:"),
		unless(len(m.run) > 0, "run:"),
		unless(len(m.edits) > 0, "an edit"),
	)
	if missing != "" {
		return m, fmt.Errorf("lacks %s", missing)
	}
	return m, nil
}

// unless returns what is missing when it is.
func unless(there bool, what string) string {
	if there {
		return ""
	}
	return what
}

func (m *mutant) parseHead(head string) error {
	var why []string
	for line := range strings.Lines(head) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "dir":
			m.dir = value
		case "run":
			m.run = strings.Fields(value)
		case "env":
			m.env = append(m.env, value)
		case "sees":
			sees, err := regexp.Compile(value)
			if err != nil {
				return err
			}
			m.sees = sees
		default:
			why = append(why, line)
		}
	}
	m.why = strings.TrimSpace(strings.Join(why, " "))
	return nil
}

// apply returns the text with the edit made.
func (e edit) apply(text []byte) ([]byte, error) {
	// A line break in front makes "starts a line" part of the search.
	padded := append([]byte("\n"), text...)
	old := append([]byte("\n"), e.old...)
	switch count := bytes.Count(padded, old); {
	case len(e.old) == 0:
		return nil, fmt.Errorf("%s: no text to replace", e.file)
	case count != 1:
		return nil, fmt.Errorf("%s: the text to replace occurs %d times", e.file, count)
	}
	changed := bytes.Replace(padded, old, append([]byte("\n"), e.new...), 1)
	return changed[1:], nil
}
