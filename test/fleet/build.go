package fleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds the programs into a folder and returns it. With HOLDFAST_BIN set in
// the environment it builds nothing and returns that.
func Build(ctx context.Context, into string) (string, error) {
	if built := os.Getenv("HOLDFAST_BIN"); built != "" {
		return built, nil
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	for name, folder := range map[string]string{
		"holdfast": "cmd/holdfast", "gateway": "gateway",
		"metadata": "services/metadata", "storage": "services/storage",
	} {
		command := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(into, name), ".")
		command.Dir = filepath.Join(root, folder)
		if out, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	command := exec.CommandContext(ctx, "go", "build", "-o", into+"/", ".", "./tusd")
	command.Dir, command.Env = filepath.Join(root, "standin"), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the stand-in and tusd: %w\n%s", err, out)
	}
	return into, nil
}

// Root returns the folder of the checkout that the working directory is in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", fmt.Errorf("no go.work above the working directory")
	}
}
