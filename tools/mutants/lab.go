package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type verdict string

const (
	killed   verdict = "killed"
	survived verdict = "SURVIVED"
	broken   verdict = "BROKEN"
)

type result struct {
	verdict verdict
	detail  string
	took    time.Duration
}

// A lab runs commands on changed sources.
type lab struct {
	root    string
	timeout time.Duration
	output  io.Writer        // of the commands
	sound   map[string]error // outcome of a command on the unchanged source
}

func newLab(root string, timeout time.Duration) *lab {
	return &lab{root: root, timeout: timeout, output: io.Discard, sound: map[string]error{}}
}

// try gives a verdict on one mutant.
func (l *lab) try(ctx context.Context, m mutant) result {
	started := time.Now()
	verdict, detail := l.judge(ctx, m)
	return result{verdict, detail, time.Since(started)}
}

func (l *lab) judge(ctx context.Context, m mutant) (verdict, string) {
	scratch, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return broken, err.Error()
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	overlay, err := l.overlay(m, scratch)
	if err != nil {
		return broken, err.Error()
	}
	for _, edit := range m.edits {
		dir := path.Dir(edit.file)
		if out, err := l.command(ctx, dir, nil, overlay, "go", "build", "-o", os.DevNull, "."); err != nil {
			return broken, fmt.Sprintf("does not build: %v: %s", err, lastLine(out))
		}
	}
	if err := l.baseline(ctx, m); err != nil {
		return broken, fmt.Sprintf("its command fails on the unchanged source: %v", err)
	}
	out, err := l.command(ctx, m.dir, m.env, overlay, m.run...)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return survived, m.why
	case !errors.As(err, &exit) || !exit.Exited():
		return broken, err.Error()
	case m.sees != nil && !m.sees.Match(out):
		return broken, fmt.Sprintf("failed, but the output does not match %q", m.sees)
	}
	return killed, failure(out)
}

// overlay writes the changed files, and the list of them for the go command.
func (l *lab) overlay(m mutant, scratch string) (string, error) {
	changed := map[string][]byte{}
	for _, edit := range m.edits {
		text, again := changed[edit.file]
		if !again {
			var err error
			if text, err = os.ReadFile(filepath.Join(l.root, filepath.FromSlash(edit.file))); err != nil {
				return "", err
			}
		}
		text, err := edit.apply(text)
		if err != nil {
			return "", err
		}
		changed[edit.file] = text
	}
	replace := map[string]string{}
	for name, text := range changed {
		file := filepath.Join(scratch, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(l.root, filepath.FromSlash(name))] = file
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(scratch, "overlay.json")
	return file, os.WriteFile(file, list, 0o600)
}

// baseline runs the command of a mutant on the unchanged source, once for all
// mutants that share it.
func (l *lab) baseline(ctx context.Context, m mutant) error {
	key := strings.Join(append(append([]string{m.dir}, m.env...), m.run...), " ")
	if err, known := l.sound[key]; known {
		return err
	}
	out, err := l.command(ctx, m.dir, m.env, "", m.run...)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, failure(out))
	}
	l.sound[key] = err
	return err
}

// command runs in dir, below the root, and returns what was printed. Processes
// that the command leaves behind go with it.
func (l *lab) command(ctx context.Context, dir string, env []string, overlay string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.timeout, fmt.Errorf("did not end within %s", l.timeout))
	defer cancel()
	flags := os.Getenv("GOFLAGS") + " -count=1"
	if overlay != "" {
		flags += " -overlay=" + overlay
	}
	var out bytes.Buffer
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Dir = filepath.Join(l.root, filepath.FromSlash(dir))
	command.Env = append(append(os.Environ(), env...), "GOFLAGS="+strings.TrimSpace(flags))
	command.Stdout = io.MultiWriter(&out, l.output)
	command.Stderr = command.Stdout
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 10 * time.Second
	err := command.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out.Bytes(), err
}

// failure is the first line that names a failed test, or else the last line.
func failure(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "--- FAIL: ") {
			return line
		}
	}
	return lastLine(out)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
