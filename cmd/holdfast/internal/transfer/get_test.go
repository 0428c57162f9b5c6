package transfer_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api/apitest"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/transfer"
)

func fileTime(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	return info.ModTime()
}

// touch gives a file another time than it had, whatever the clock of the file
// system can tell apart.
func touch(t *testing.T, path string, old time.Time) {
	t.Helper()
	check(t, os.Chtimes(path, old, old.Add(time.Second)))
}

// TestGetExisting tries each way to treat what is there.
func TestGetExisting(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*transfer.Get)
		want    map[string]string
		after   tree
	}{
		"refuse": {func(*transfer.Get) {},
			map[string]string{"/d/new": "created", "/d/old": "failed", "/d/same": "failed", "/d/folder": "failed"},
			tree{"new": "1", "old": "was", "same": "3", "folder/": ""}},
		"replace": {func(g *transfer.Get) { g.Existing = transfer.Replace },
			map[string]string{"/d/new": "created", "/d/old": "replaced", "/d/same": "replaced", "/d/folder": "failed"},
			tree{"new": "1", "old": "2", "same": "3", "folder/": ""}},
		"keep": {func(g *transfer.Get) { g.Existing = transfer.Keep },
			map[string]string{"/d/new": "created", "/d/old": "skipped: exists", "/d/same": "skipped: exists", "/d/folder": "failed"},
			tree{"new": "1", "old": "was", "same": "3", "folder/": ""}},
		"only what differs": {func(g *transfer.Get) { g.Existing, g.SameOnly = transfer.Replace, true },
			map[string]string{"/d/new": "created", "/d/old": "replaced", "/d/same": "skipped: same contents", "/d/folder": "failed"},
			tree{"new": "1", "old": "2", "same": "3", "folder/": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			for path, contents := range map[string]string{"new": "1", "old": "2", "same": "3", "folder": "4"} {
				b.Add("/d/"+path, []byte(contents))
			}
			here := t.TempDir()
			write(t, here, tree{"old": "was", "same": "3", "folder/": ""})
			get := b.get()
			test.prepare(get)
			check(t, get.Run(t.Context(), []string{"/d/."}, here))
			b.expect(t, test.want)
			same(t, read(t, here), test.after)
		})
	}
}

// TestGetStaysInside lists names that lead out of the destination, and has
// links in it that do.
func TestGetStaysInside(t *testing.T) {
	for _, name := range []string{"..", ".", "../escaped", "/escaped", "a/b", "x\x00y", ""} {
		b := newBench(t)
		b.Add("/d/victim", []byte("evil"))
		b.Add("/d/folder/inner", []byte("evil"))
		b.Rename("/d/victim", name)
		b.Rename("/d/folder", name)
		outside := t.TempDir()
		check(t, b.get().Run(t.Context(), []string{"/d"}, filepath.Join(outside, "in")))
		same(t, read(t, outside), tree{"in/": ""})
	}

	b := newBench(t)
	b.Add("/d/sub/file", []byte("evil"))
	outside, here := t.TempDir(), t.TempDir()
	check(t, os.Symlink(outside, filepath.Join(here, "sub")))
	check(t, b.get().Run(t.Context(), []string{"/d/."}, here))
	same(t, read(t, outside), tree{})

	b.Add("/d/link", []byte("new"))
	check(t, os.Remove(filepath.Join(here, "sub")))
	write(t, outside, tree{"target": "precious"})
	check(t, os.Symlink(filepath.Join(outside, "target"), filepath.Join(here, "link")))
	get := b.get()
	get.Existing = transfer.Replace
	check(t, get.Run(t.Context(), []string{"/d/."}, here))
	same(t, read(t, outside), tree{"target": "precious"})
	same(t, read(t, here), tree{"link": "precious", "sub/": "", "sub/file": "evil"})
}

// TestGetReplacesFilesOnly has everything at the destination that is neither file
// nor folder: it stays what it is.
func TestGetReplacesFilesOnly(t *testing.T) {
	b := newBench(t)
	here := t.TempDir()
	at := func(name string) string { return filepath.Join(here, name) }
	write(t, here, tree{"target": "precious"})
	check(t, os.Symlink("target", at("link")))
	check(t, os.Symlink("missing", at("dangling")))
	check(t, syscall.Mkfifo(at("pipe"), 0o600))
	socket, err := new(net.ListenConfig).Listen(t.Context(), "unix", at("socket"))
	check(t, err)
	defer socket.Close()
	want := map[string]string{}
	before := map[string]fs.FileMode{}
	for _, name := range []string{"link", "dangling", "pipe", "socket"} {
		b.Add("/"+name, []byte("new"))
		want["/"+name] = "failed: " + at(name) + " is a "
		info, err := os.Lstat(at(name))
		check(t, err)
		before[name] = info.Mode()
	}
	for _, sameOnly := range []bool{false, true} {
		get := b.get()
		get.Existing, get.SameOnly = transfer.Replace, sameOnly
		check(t, get.Run(t.Context(), []string{"/."}, here))
		b.expect(t, want)
		for name, mode := range before {
			if info, err := os.Lstat(at(name)); err != nil || info.Mode() != mode {
				t.Errorf("%s was replaced: %v, %v", name, info, err)
			}
		}
		contents, err := os.ReadFile(at("target"))
		if err != nil || string(contents) != "precious" {
			t.Errorf("the target has %q, %v", contents, err)
		}
	}
}

// TestGetSurvives gets a tree over a bad connection.
func TestGetSurvives(t *testing.T) {
	b := newBench(t)
	want := odd()
	here := t.TempDir()
	write(t, here, want)
	b.succeed(t, b.put().Run(t.Context(), []string{here}, "/d"))
	faults := []apitest.Fault{
		apitest.Refuse("UNAVAILABLE", ""), apitest.Cut(0), apitest.CutAnswer(2, nil),
		apitest.DamageAnswer(func(p []byte) []byte { return append(p, 'x') }),
	}
	for i := range 16 {
		b.InjectAfter(4*i, "GET", "/content", faults[i%len(faults)])
		b.InjectAfter(4*i, "GET", "/files", apitest.CutAnswer(9, nil))
	}
	b.client = patient(t, b.URL)
	there := filepath.Join(t.TempDir(), "d")
	b.succeed(t, b.get().Run(t.Context(), []string{"/d"}, there))
	same(t, read(t, there), want)
}

// TestGetOfChangingFile changes the file when its download is cut, which then
// begins anew.
func TestGetOfChangingFile(t *testing.T) {
	b := newBench(t)
	b.Add("/a", []byte("old contents"))
	b.Inject("GET", "/content", apitest.CutAnswer(5, func() { b.Add("/a", []byte("new")) }))
	here := t.TempDir()
	b.succeed(t, b.get().Run(t.Context(), []string{"/a"}, here))
	same(t, read(t, here), tree{"a": "new"})
	if b.meter.Bytes() != 3 {
		t.Errorf("%d bytes counted", b.meter.Bytes())
	}
}

// TestGetNeverShowsDamage has the bytes be wrong each time.
func TestGetNeverShowsDamage(t *testing.T) {
	b := newBench(t)
	b.Add("/a", []byte("contents"))
	for range 3 {
		b.Inject("GET", "/content", apitest.DamageAnswer(func(p []byte) []byte { p[3] ^= 1; return p }))
	}
	here := t.TempDir()
	check(t, b.get().Run(t.Context(), []string{"/a"}, here))
	b.expect(t, map[string]string{"/a": "failed: received contents with sha-256"})
	same(t, read(t, here), tree{})
}

// TestGetOfTakenName has somebody else take the name during the download.
func TestGetOfTakenName(t *testing.T) {
	b := newBench(t)
	b.Add("/a", []byte("remote"))
	here := t.TempDir()
	b.Inject("GET", "/content", apitest.Before(func() { write(t, here, tree{"a": "local"}) }))
	check(t, b.get().Run(t.Context(), []string{"/a"}, here))
	b.expect(t, map[string]string{"/a": "failed: "})
	same(t, read(t, here), tree{"a": "local"})
}

func TestGetDestinations(t *testing.T) {
	for _, test := range []struct {
		sources     []string
		destination string
		want        []string
	}{
		{[]string{"/a"}, "", []string{"a"}},
		{[]string{"/a"}, "new", []string{"new"}},
		{[]string{"/a"}, "new/", []string{"new/a"}},
		{[]string{"/a"}, "folder", []string{"folder/a"}},
		{[]string{"/a", "/b"}, "new", []string{"new/a", "new/b"}},
		{[]string{"/d"}, "new", []string{"new/x"}},
		{[]string{"/d"}, "folder", []string{"folder/d/x"}},
		{[]string{"/d/."}, "folder", []string{"folder/x"}},
		{[]string{"/d/", "/a"}, "folder", []string{"folder/d/x", "folder/a"}},
		{[]string{"/"}, "folder", []string{"folder/d/x", "folder/a"}},
	} {
		b := newBench(t)
		for _, path := range []string{"/a", "/b", "/d/x"} {
			b.Add(path, []byte("x"))
		}
		here := t.TempDir()
		check(t, os.Mkdir(filepath.Join(here, "folder"), 0o777))
		b.succeed(t, b.get().Run(t.Context(), test.sources, here+"/"+test.destination))
		got := read(t, here)
		for _, path := range test.want {
			if _, ok := got[path]; !ok {
				t.Errorf("%v to %s: no %s in %v", test.sources, test.destination, path, got)
			}
		}
	}
	b := newBench(t)
	b.Add("/a", nil)
	here := t.TempDir()
	write(t, here, tree{"file": ""})
	if err := b.get().Run(t.Context(), []string{"/a", "/a"}, filepath.Join(here, "file")); err == nil {
		t.Error("several into a file: want an error")
	}
	check(t, b.get().Run(t.Context(), []string{"/a"}, filepath.Join(here, "no/such/name")))
	check(t, b.get().Run(t.Context(), []string{"/missing", "/a/."}, here))
	b.expect(t, map[string]string{
		"/a":       "failed: ",
		"/a/.":     "failed: /a is a file",
		"/missing": "failed: there is nothing at /missing",
	})
}

// TestGetReplacesDurably looks at the name at each sync: the new contents are on
// disk before they take it from the old ones, and then the folder is. What takes
// no name from anything is not synced.
func TestGetReplacesDurably(t *testing.T) {
	b := newBench(t)
	b.Add("/d/sub/old", []byte("2"))
	b.Add("/d/sub/new", []byte("1"))
	here := t.TempDir()
	write(t, here, tree{"sub/old": "was"})
	get := b.get()
	get.Existing, get.Jobs = transfer.Replace, 1
	var synced []string
	get.SyncWith(func(f *os.File) error {
		name := "folder " + filepath.Base(f.Name())
		if contents, err := os.ReadFile(f.Name()); err == nil {
			name = "file with " + string(contents)
		}
		old, err := os.ReadFile(filepath.Join(here, "sub", "old"))
		synced = append(synced, name+", old has "+string(old))
		return errors.Join(err, f.Sync())
	})
	b.succeed(t, get.Run(t.Context(), []string{"/d/."}, here))
	want := []string{"file with 2, old has was", "folder sub, old has 2"}
	if !slices.Equal(synced, want) {
		t.Errorf("synced %q, want %q", synced, want)
	}
	same(t, read(t, here), tree{"sub/": "", "sub/old": "2", "sub/new": "1"})
}

// TestGetKeepsWhatItCannotReplaceDurably has a disk tell at the sync that it did
// not write the file, and file systems fail or refuse to sync folders.
func TestGetKeepsWhatItCannotReplaceDurably(t *testing.T) {
	for name, test := range map[string]struct {
		file, folder error
		outcome      string
		after        tree
	}{
		"file not written":   {file: syscall.EIO, outcome: "failed: input/output error", after: tree{"a": "was"}},
		"folder not written": {folder: syscall.EIO, outcome: "failed: it is replaced, but", after: tree{"a": "new"}},
		"folder not synced":  {folder: syscall.EINVAL, outcome: "replaced", after: tree{"a": "new"}},
		"folder not read":    {folder: fs.ErrPermission, outcome: "replaced", after: tree{"a": "new"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.Add("/a", []byte("new"))
			here := t.TempDir()
			write(t, here, tree{"a": "was"})
			get := b.get()
			get.Existing = transfer.Replace
			get.SyncWith(func(f *os.File) error {
				if info, err := f.Stat(); err != nil || info.IsDir() {
					return errors.Join(err, test.folder)
				}
				return test.file
			})
			check(t, get.Run(t.Context(), []string{"/a"}, here))
			b.expect(t, map[string]string{"/a": test.outcome})
			same(t, read(t, here), test.after)
		})
	}
}
