package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// strayModules reports the modules that no check will look at, because the list
// of modules does not have them.
func strayModules(files, modules []string) []string {
	var findings []string
	for _, name := range files {
		dir, base := path.Split(name)
		dir = strings.TrimSuffix(dir, "/")
		if base != "go.mod" || slices.Contains(modules, dir) || strings.HasPrefix(dir+"/", "tools/pinned/") {
			continue
		}
		findings = append(findings, name+": not in the list of modules in the Makefile")
	}
	return findings
}

// drifted reports go and toolchain lines that differ from those of go.work.
func drifted(root string, modules []string) ([]string, error) {
	name := filepath.Join(root, "go.work")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork(name, text, nil)
	if err != nil {
		return nil, err
	}
	want := versions(work.Go, work.Toolchain)
	var findings []string
	for _, module := range modules {
		name := filepath.Join(root, module, "go.mod")
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		mod, err := modfile.Parse(name, text, nil)
		if err != nil {
			return nil, err
		}
		if got := versions(mod.Go, mod.Toolchain); got != want {
			findings = append(findings, fmt.Sprintf("%s/go.mod: %s, but go.work: %s", module, got, want))
		}
	}
	return findings, nil
}

func versions(language *modfile.Go, toolchain *modfile.Toolchain) string {
	var lines []string
	if language != nil {
		lines = append(lines, "go "+language.Version)
	}
	if toolchain != nil {
		lines = append(lines, "toolchain "+toolchain.Name)
	}
	return strings.Join(lines, ", ")
}
