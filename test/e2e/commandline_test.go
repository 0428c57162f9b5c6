package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// commandLine does the main job with the client alone.
func commandLine(t *testing.T, g *target) {
	w := newWeb(t, g)
	dir := t.TempDir()
	contents := map[string][]byte{}
	for i := range 12 {
		name := fmt.Sprintf("d%d/file %d", i%3, i)
		contents[name] = random(i * 10_000)
		file := filepath.Join(dir, "src", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, contents[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(want int, args ...string) string {
		t.Helper()
		out, code := g.holdfast(t, args...)
		if code != want {
			t.Fatalf("holdfast %s: exit code %d, want %d: %s", strings.Join(args, " "), code, want, out)
		}
		return out
	}
	run(0, "put", "-r", filepath.Join(dir, "src"), w.root+"/")
	if out := run(0, "ls", w.root+"/src"); !strings.Contains(out, "d0") || !strings.Contains(out, "d2") {
		t.Errorf("ls: %s", out)
	}
	run(0, "mv", w.root+"/src/d1", w.root+"/src/moved")
	run(0, "rm", "-r", w.root+"/src/moved")
	run(3, "stat", w.root+"/src/moved")
	run(0, "restore", w.root+"/src/moved")
	run(0, "mv", w.root+"/src/moved", w.root+"/src/d1")
	run(0, "get", "-r", w.root+"/src", filepath.Join(dir, "back"))
	for name, want := range contents {
		got, err := os.ReadFile(filepath.Join(dir, "back", name))
		if err != nil {
			// The destination did not exist, so the folder is under its own name or in it.
			got, err = os.ReadFile(filepath.Join(dir, "back", "src", name))
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s came back with %d bytes, %v; %d were sent", name, len(got), err, len(want))
		}
	}
	if out := run(0, "cat", w.root+"/src/d1/file 1"); out != string(contents["d1/file 1"]) {
		t.Errorf("cat gives %d bytes", len(out))
	}
	run(2, "put", "--no-such-flag")

	// What is here is compared with the revision that is asked for.
	old := strings.Trim(w.put("/revised", []byte("old")).want(http.StatusCreated).header.Get("Etag"), `"`)
	w.put("/revised", []byte("new")).want(http.StatusOK)
	file := filepath.Join(dir, "revised")
	for _, here := range []string{"new", "old"} {
		if err := os.WriteFile(file, []byte(here), 0o600); err != nil {
			t.Fatal(err)
		}
		out := run(0, "get", "--json", "--force", "--checksum", "--revision", old, w.root+"/revised", file)
		if got, err := os.ReadFile(file); err != nil || string(got) != "old" || strings.Contains(out, `"outcome":"skipped"`) != (here == "old") {
			t.Errorf("of %q became %q, %v: %s", here, got, err, out)
		}
	}
}
