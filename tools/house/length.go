package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxLines is where a file has more than one idea in it.
const maxLines = 400

// The mark of generated code, as in go.dev/s/generatedcode.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// longFiles reports the Go files of more than maxLines that somebody wrote.
func longFiles(root string, files []string) ([]string, error) {
	var findings []string
	for _, name := range files {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not yet in the index
		}
		if err != nil {
			return nil, err
		}
		if lines := bytes.Count(text, []byte("\n")); lines > maxLines && !generated.Match(text) {
			findings = append(findings, fmt.Sprintf("%s: %d lines, at most %d", name, lines, maxLines))
		}
	}
	return findings, nil
}
