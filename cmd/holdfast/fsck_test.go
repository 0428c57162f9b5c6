package main

import (
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
)

// files returns the contents of what is in a directory, by path.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	inside := os.DirFS(dir)
	err := fs.WalkDir(inside, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			found[path] = "a folder"
			return err
		}
		contents, err := fs.ReadFile(inside, path)
		found[path] = string(contents)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A directory that is not one of data is refused, and nothing is made there.
func TestFsckOfAnotherDirectory(t *testing.T) {
	for name, part := range map[string]string{
		"missing": "missing", "empty": ".", "only records": "metadata", "only bytes": "blobs", "a file": "file",
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			dir := t.TempDir()
			t.Chdir(dir)
			if err := os.WriteFile("file", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			at := filepath.Join(dir, "data")
			e, err := dataDirectory{DataDir: at}.open(slog.New(slog.DiscardHandler))
			if err == nil {
				err = e.close()
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range []string{"metadata", "blobs"} {
				if other != part {
					if err := os.RemoveAll(filepath.Join(at, other)); err != nil {
						t.Fatal(err)
					}
				}
			}
			switch part {
			case "missing":
				at = filepath.Join(dir, "missing")
			case "file":
				at = filepath.Join(dir, "file")
			}
			before := files(t, dir)
			code := s.run("fsck", "--data-dir="+at)
			if part == "file" {
				if code == exit.OK {
					t.Error("a file is sound")
				}
			} else if code != exit.Usage || !strings.Contains(s.out.String(), "--data-dir") {
				t.Errorf("exit code %d:\n%s", code, s.out.String())
			}
			after := files(t, dir)
			if part == "metadata" { // it is opened, and what it was is its own business
				isRecord := func(path, _ string) bool { return strings.HasPrefix(path, "data/metadata") }
				maps.DeleteFunc(before, isRecord)
				maps.DeleteFunc(after, isRecord)
			}
			if !maps.Equal(before, after) {
				t.Errorf("after fsck there is %d instead of %d", len(after), len(before))
			}
		})
	}
}

// Packs that a service would merge, or give an index, are as they were after a
// look.
func TestFsckLeavesBlobsAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	e, err := dataDirectory{DataDir: dir}.open(slog.New(slog.DiscardHandler))
	if err == nil {
		err = e.close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // a pack each; the limit keeps them from being merged here
		store, err := diskblob.Open(diskblob.Config{Dir: filepath.Join(dir, "blobs"), PackBytes: 1 << 10})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			body := strings.NewReader(strings.Repeat("x", 1000))
			if _, err := store.Create(t.Context(), uuid.Must(uuid.NewV7()), body, body.Size()); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	before := files(t, filepath.Join(dir, "blobs"))
	if code := newShell(t).run("fsck", "--deep", "--data-dir="+dir); code != exit.Failed {
		t.Errorf("exit code %d with blobs that have no record", code)
	}
	if after := files(t, filepath.Join(dir, "blobs")); !maps.Equal(before, after) {
		t.Errorf("other files: there were %d, there are %d", len(before), len(after))
	}
}
