package transfer_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api/apitest"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/progress"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/transfer"
)

// tree is what is in a folder: contents by path, folders by a path that ends
// in a slash.
type tree map[string]string

// odd is a tree with everything that is awkward and allowed.
func odd() tree {
	t := tree{
		"empty":                 "",
		"empty folder/":         "",
		"deep/":                 "",
		"deep/er/":              "",
		"deep/er/est/":          "",
		"deep/er/est/file":      "down here",
		"100% #1?.txt":          "percent",
		"größe/":                "",
		"größe/日本 🗂.txt":        "unicode",
		"-r":                    "no flag",
		"...":                   "dots",
		" ":                     "a space",
		"back\\slash \"quote\"": "quotes",
		"large":                 strings.Repeat("0123456789abcdef", 50_000),
		"edge":                  strings.Repeat("x", 256<<10),
		"edge and one":          strings.Repeat("x", 256<<10+1),
	}
	t[strings.Repeat("n", 255)] = "a long name"
	t[strings.Repeat("ä", 127)+"/"] = ""
	t[strings.Repeat("ä", 127)+"/"+strings.Repeat("日", 85)] = "a long name in a long name"
	for i := range 40 {
		t[fmt.Sprintf("many/%02d/", i)] = ""
		for j := range i % 4 {
			t[fmt.Sprintf("many/%02d/%d.go", i, j)] = fmt.Sprint(i, j)
		}
	}
	t["many/"] = ""
	return t
}

func write(t *testing.T, dir string, files tree) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		full := filepath.Join(dir, path)
		if strings.HasSuffix(path, "/") {
			check(t, os.MkdirAll(full, 0o777))
			continue
		}
		check(t, os.MkdirAll(filepath.Dir(full), 0o777))
		check(t, os.WriteFile(full, []byte(files[path]), 0o666))
	}
}

func read(t *testing.T, dir string) tree {
	t.Helper()
	found := tree{}
	files := os.DirFS(dir)
	check(t, fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || path == ".":
			return err
		case entry.IsDir():
			found[path+"/"] = ""
			return nil
		}
		contents, err := fs.ReadFile(files, path)
		found[path] = string(contents)
		return err
	}))
	return found
}

// remote returns what is in a folder of the server.
func remote(s *apitest.Server, folder string) tree {
	found := tree{}
	for path, contents := range s.Tree() {
		if rel, ok := strings.CutPrefix(path, folder); ok && rel != "" {
			found[rel] = contents
		}
	}
	return found
}

func same(t *testing.T, got, want tree) {
	t.Helper()
	for path := range want {
		if _, ok := got[path]; !ok {
			t.Errorf("%q is missing", path)
		} else if got[path] != want[path] {
			t.Errorf("%q has %d bytes, want %d", path, len(got[path]), len(want[path]))
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			t.Errorf("%q is too much", path)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bench is a server, a client and what was reported.
type bench struct {
	*apitest.Server
	client *api.Client
	meter  *progress.Meter
	items  []transfer.Item
}

func newBench(t *testing.T) *bench {
	s := apitest.New(t)
	return &bench{Server: s, client: client(t, s.URL, 3), meter: new(progress.Meter)}
}

// patient returns a client that no number of faults makes give up.
func patient(t *testing.T, server string) *api.Client { return client(t, server, 1000) }

func client(t *testing.T, server string, retries int) *api.Client {
	t.Helper()
	c, err := api.New(api.Config{Server: server, Space: "default", Connections: 8, Retries: retries, FirstWait: time.Millisecond})
	check(t, err)
	t.Cleanup(c.Close)
	return c
}

func (b *bench) report(i transfer.Item) { b.items = append(b.items, i) }

func (b *bench) put() *transfer.Put {
	return &transfer.Put{Client: b.client, Jobs: 4, Recursive: true, Report: b.report, Meter: b.meter}
}

func (b *bench) get() *transfer.Get {
	return &transfer.Get{Client: b.client, Jobs: 4, Recursive: true, Existing: transfer.Refuse, Report: b.report, Meter: b.meter}
}

// outcomes returns how each item ended, by its remote path, or else the local
// one, and forgets them.
func (b *bench) outcomes() map[string]string {
	found := map[string]string{}
	for _, i := range b.items {
		name := i.Remote
		if name == "" {
			name = filepath.Base(i.Local)
		}
		text := string(i.Outcome)
		if i.Err != nil {
			text += ": " + i.Err.Error()
		} else if i.Note != "" {
			text += ": " + i.Note
		}
		found[name] = text
	}
	b.items = nil
	return found
}

// succeed fails the test for each item that failed.
func (b *bench) succeed(t *testing.T, err error) {
	t.Helper()
	check(t, err)
	for _, i := range b.items {
		if i.Err != nil || i.Left {
			t.Errorf("%s, %s: %s %v", i.Local, i.Remote, i.Note, i.Err)
		}
	}
	b.items = nil
}

// TestThereAndBack puts a tree and gets it back, twice as a mirror and then
// into folders that exist.
func TestThereAndBack(t *testing.T) {
	b := newBench(t)
	b.PageLimit = 3
	here, there := t.TempDir(), t.TempDir()
	want := odd()
	write(t, here, want)

	b.succeed(t, b.put().Run(t.Context(), []string{here}, "/mirror"))
	same(t, remote(b.Server, "/mirror/"), want)
	files, bytes := int64(0), int64(0)
	for path, contents := range want {
		if !strings.HasSuffix(path, "/") {
			files, bytes = files+1, bytes+int64(len(contents))
		}
	}
	if b.meter.Files() != files || b.meter.Bytes() != bytes {
		t.Errorf("the meter counts %d files, %d bytes; want %d, %d", b.meter.Files(), b.meter.Bytes(), files, bytes)
	}
	b.succeed(t, b.get().Run(t.Context(), []string{"/mirror"}, filepath.Join(there, "new")))
	same(t, read(t, filepath.Join(there, "new")), want)

	b.succeed(t, b.put().Run(t.Context(), []string{here + "/."}, "mirror"))
	same(t, remote(b.Server, "/mirror/"), want)
	b.succeed(t, b.get().Run(t.Context(), []string{"/mirror/."}, filepath.Join(there, "contents")))
	same(t, read(t, filepath.Join(there, "contents")), want)

	b.succeed(t, b.put().Run(t.Context(), []string{here}, "/mirror/deep"))
	same(t, remote(b.Server, "/mirror/deep/"+filepath.Base(here)+"/"), want)
	check(t, os.Mkdir(filepath.Join(there, "in"), 0o777))
	b.succeed(t, b.get().Run(t.Context(), []string{"mirror/größe", "mirror/large"}, filepath.Join(there, "in")))
	same(t, read(t, filepath.Join(there, "in")), tree{
		"größe/": "", "größe/日本 🗂.txt": "unicode", "large": want["large"],
	})
	b.succeed(t, b.get().Run(t.Context(), []string{"/"}, filepath.Join(there, "all")))
	if got := read(t, filepath.Join(there, "all")); got["mirror/empty folder/"] != "" || len(got) < 2*len(want) {
		t.Errorf("got %d items", len(got))
	}
}

func TestDestinations(t *testing.T) {
	b := newBench(t)
	here := t.TempDir()
	write(t, here, tree{"a": "A", "b": "B", "d/x": "X"})
	a, d := filepath.Join(here, "a"), filepath.Join(here, "d")
	for _, test := range []struct {
		sources     []string
		destination string
		want        []string
	}{
		{[]string{a}, "/", []string{"/a"}},
		{[]string{a}, "new", []string{"/new"}},
		{[]string{a}, "new/", []string{"/new/a"}},
		{[]string{a}, "/new/deep/name", []string{"/new/", "/new/deep/", "/new/deep/name"}},
		{[]string{a}, "folder", []string{"/folder/", "/folder/a"}},
		{[]string{a, filepath.Join(here, "b")}, "new", []string{"/new/", "/new/a", "/new/b"}},
		{[]string{d}, "new", []string{"/new/", "/new/x"}},
		{[]string{d}, "/folder", []string{"/folder/", "/folder/d/", "/folder/d/x"}},
		{[]string{d}, "new/", []string{"/new/", "/new/d/", "/new/d/x"}},
		{[]string{d + "/."}, "/folder", []string{"/folder/", "/folder/x"}},
		{[]string{d + "/", a}, "/folder", []string{"/folder/", "/folder/a", "/folder/d/", "/folder/d/x"}},
	} {
		b := newBench(t)
		b.AddFolder("/folder")
		b.succeed(t, b.put().Run(t.Context(), test.sources, test.destination))
		for _, path := range test.want {
			if _, ok := b.Tree()[path]; !ok {
				t.Errorf("%v to %s: no %s in %v", test.sources, test.destination, path, b.Tree())
			}
		}
	}
	b.Add("/file", []byte("old"))
	for _, destination := range []string{"/file/", "a//b", "../x", ""} {
		if err := b.put().Run(t.Context(), []string{a}, destination); err == nil {
			t.Errorf("%q: want an error", destination)
		}
	}
	if err := b.put().Run(t.Context(), []string{a, d}, "/file"); err == nil {
		t.Error("several sources into a file: want an error")
	}
}

// TestCancelled cancels in the middle and looks for what was left behind.
func TestCancelled(t *testing.T) {
	b := newBench(t)
	there := t.TempDir()
	for i := range 50 {
		b.Add(fmt.Sprintf("/d/%02d", i), []byte(strings.Repeat("x", 100_000)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.Inject("GET", "/content", apitest.Stall(50_000))
	b.Inject("GET", "/content", apitest.Announce(cancel))
	err := b.get().Run(ctx, []string{"/d"}, filepath.Join(there, "d"))
	if err == nil {
		t.Error("want an error")
	}
	for path := range read(t, there) {
		if strings.Contains(path, ".holdfast") {
			t.Errorf("%s is left", path)
		}
	}
	for _, i := range b.items {
		if i.Err != nil {
			t.Errorf("%s: %v", i.Local, i.Err)
		}
	}

	ctx, cancel = context.WithCancel(t.Context())
	write(t, there, tree{"many/large": strings.Repeat("x", 1<<20)})
	b.Inject("PUT", "large", apitest.Announce(cancel))
	if err := b.put().Run(ctx, []string{filepath.Join(there, "many")}, "/many"); err == nil {
		t.Error("want an error")
	}
	if _, ok := b.Tree()["/many/large"]; ok {
		t.Error("a part of a file is visible")
	}
}
