package e2e_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// TestSoakTree puts a real tree, the sources of Go and names that are hard to
// keep, and another user, whose home is empty, gets it back: diff finds nothing.
// It takes two folders of the sources unless soaking; then SOAK_FOLDERS says how
// many, all when it does not.
func TestSoakTree(t *testing.T) {
	folders := fleet.Amount("SOAK_FOLDERS", 2, 1000)
	each(t, func(t *testing.T, g *target) {
		w := newWeb(t, g)
		sources := append(goSources(t, folders), hardNames(t))
		if out, code := g.holdfast(t, append(append([]string{"put", "-r"}, sources...), w.root+"/")...); code != 0 {
			t.Fatalf("put: exit code %d: %s", code, out)
		}
		back := filepath.Join(public(t), "back")
		if err := os.Mkdir(back, 0o700); err != nil {
			t.Fatal(err)
		}
		stranger(t, g, back, "get", "-r", w.root, back+"/")
		for _, source := range sources {
			out, err := exec.CommandContext(t.Context(), "diff", "-r", source, filepath.Join(back, w.root, filepath.Base(source))).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("diff: %v\n%.2000s", err, out)
			}
		}
		t.Logf("%d files and folders", count(t, back))
	})
}

// goSources are folders of the sources of Go.
func goSources(t *testing.T, most int) []string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(string(bytes.TrimSpace(root)), "src", "*", "*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no sources of Go: %v", err)
	}
	parents := map[string]bool{}
	var list []string
	for _, folder := range folders {
		if parent := filepath.Dir(folder); !parents[parent] && len(list) < most {
			parents[parent] = true
			list = append(list, parent)
		}
	}
	return list
}

// hardNames makes a folder of files and folders that are empty, or have names at
// the edge of what a name may be.
func hardNames(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "hard names")
	long := strings.Repeat("n", 255)
	for _, folder := range []string{"", "empty", "deep/a/b/c/d/e/f", long, "Ünïcødé/日本語", " leading and trailing "} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"empty file", long + "/" + long, "Ünïcødé/日本語/файл 🦫.txt", "per%cent%20", "plus+", "hash#?&;=", "-rf", "~", "quote\"'`", "back\\slash", "star*", "a.tar.gz", ".hidden", "deep/a/b/c/d/e/f/leaf"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(strings.TrimPrefix(name, "empty file")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// stranger runs the client as a user that owns nothing, where that can be had,
// with an empty home.
func stranger(t *testing.T, g *target, owns string, args ...string) {
	t.Helper()
	home := public(t)
	program := filepath.Join(home, "holdfast")
	text, err := os.ReadFile(filepath.Join(g.programs, "holdfast"))
	if err := errors.Join(err, os.WriteFile(program, text, 0o755), os.Mkdir(filepath.Join(home, "home"), 0o777)); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = append(fleet.Environ(), "HOLDFAST_SERVER="+g.url, "HOME="+filepath.Join(home, "home"))
	if g.key != "" {
		command.Env = append(command.Env, "HOLDFAST_KEY="+g.key)
	}
	command.Dir = home
	if os.Geteuid() == 0 {
		const nobody = 65534
		if err := errors.Join(os.Chown(owns, nobody, nobody), os.Chown(filepath.Join(home, "home"), nobody, nobody)); err != nil {
			t.Fatal(err)
		}
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("holdfast %v: %v: %s", args, err, out)
	}
}

// public makes a folder that every user reaches, which those of t are not.
func public(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "holdfast-public-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func count(t *testing.T, root string) (n int) {
	t.Helper()
	err := filepath.WalkDir(root, func(string, fs.DirEntry, error) error { n++; return nil })
	if err != nil {
		t.Error(err)
	}
	return n
}
