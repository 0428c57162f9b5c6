package transfer_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api/apitest"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/transfer"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// expect compares the outcomes of items, each by its beginning.
func (b *bench) expect(t *testing.T, want map[string]string) {
	t.Helper()
	got := b.outcomes()
	for name, text := range want {
		if !strings.HasPrefix(got[name], text) || got[name] == "" {
			t.Errorf("%q: got %q, want %q", name, got[name], text)
		}
	}
	for name, text := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%q: got %q", name, text)
		}
	}
}

// TestPutReportsWhatItLeaves puts a folder with everything that can't be put.
func TestPutReportsWhatItLeaves(t *testing.T) {
	b := newBench(t)
	here := filepath.Join(t.TempDir(), "d")
	write(t, here, tree{"good": "x", "sub/good": "y", "bad\nname": "z", "bad\xffname": "z", "o\u0308": "z", "e\u0301dir/x": "z"})
	check(t, os.Symlink("good", filepath.Join(here, "link")))
	check(t, os.Symlink("missing", filepath.Join(here, "dangling")))
	check(t, os.Symlink("sub", filepath.Join(here, "linked folder")))
	check(t, syscall.Mkfifo(filepath.Join(here, "pipe"), 0o600))
	check(t, b.put().Run(t.Context(), []string{here, filepath.Join(here, "missing")}, "/to"))
	b.expect(t, map[string]string{
		"/to/d": "created", "/to/d/good": "created", "/to/d/sub": "created", "/to/d/sub/good": "created",
		"link": "skipped: symbolic link", "dangling": "skipped: symbolic link",
		"linked folder": "skipped: symbolic link", "pipe": "skipped: named pipe",
		"bad\nname":   "failed: name contains a control character",
		"bad\xffname": "failed: name is not valid UTF-8",
		"o\u0308":     "failed: name is not in Unicode normal form C",
		"e\u0301dir":  "failed: name is not in Unicode normal form C",
		"/to/missing": "failed: stat",
	})
	same(t, remote(b.Server, "/to/d/"), tree{"good": "x", "sub/": "", "sub/good": "y"})
}

func TestPutNFC(t *testing.T) {
	b := newBench(t)
	here := filepath.Join(t.TempDir(), "d")
	write(t, here, tree{"o\u0308": "decomposed", "a\u0308/x": "in a folder", "u\u0308": "first", "\u00fc": "second"})
	put := b.put()
	put.NFC = true
	check(t, put.Run(t.Context(), []string{here}, "/to"))
	b.expect(t, map[string]string{
		"/to": "created", "/to/ö": "created", "/to/ä": "created", "/to/ä/x": "created", "/to/ü": "created",
		"u\u0308": "failed: another file is called",
	})
	same(t, remote(b.Server, "/to/"), tree{"ö": "decomposed", "ä/": "", "ä/x": "in a folder", "ü": "second"})
}

// TestPutExisting tries each way to treat what is there.
func TestPutExisting(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*transfer.Put)
		want    map[string]string
		after   tree
	}{
		"replace": {func(*transfer.Put) {},
			map[string]string{"/d/new": "created", "/d/old": "replaced", "/d/same": "replaced", "/d/folder": "failed"},
			tree{"new": "1", "old": "2", "same": "3", "folder/": ""}},
		"refuse": {func(p *transfer.Put) { p.Existing = transfer.Refuse },
			map[string]string{"/d/new": "created", "/d/old": "failed: the file exists", "/d/same": "failed: the file exists", "/d/folder": "failed"},
			tree{"new": "1", "old": "was", "same": "3", "folder/": ""}},
		"keep": {func(p *transfer.Put) { p.Existing = transfer.Keep },
			map[string]string{"/d/new": "created", "/d/old": "skipped: exists", "/d/same": "skipped: exists", "/d/folder": "skipped: exists"},
			tree{"new": "1", "old": "was", "same": "3", "folder/": ""}},
		"only what differs": {func(p *transfer.Put) { p.SameOnly = true },
			map[string]string{"/d/new": "created", "/d/old": "replaced", "/d/same": "skipped: same contents", "/d/folder": "failed"},
			tree{"new": "1", "old": "2", "same": "3", "folder/": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.Add("/d/old", []byte("was"))
			b.Add("/d/same", []byte("3"))
			b.AddFolder("/d/folder")
			here := t.TempDir()
			write(t, here, tree{"new": "1", "old": "2", "same": "3", "folder": "4"})
			put := b.put()
			test.prepare(put)
			check(t, put.Run(t.Context(), []string{here + "/."}, "/d"))
			b.expect(t, test.want)
			same(t, remote(b.Server, "/d/"), test.after)
		})
	}
}

func TestPutFolderOverFile(t *testing.T) {
	b := newBench(t)
	b.Add("/d/x", []byte("a file"))
	here := t.TempDir()
	write(t, here, tree{"x/y": "1", "z": "2"})
	check(t, b.put().Run(t.Context(), []string{here + "/."}, "/d"))
	b.expect(t, map[string]string{"/d/x": "failed: /d/x is a file", "/d/z": "created"})
}

func TestPutFolderNeedsRecursive(t *testing.T) {
	b := newBench(t)
	here := filepath.Join(t.TempDir(), "d")
	write(t, here, tree{"x": "1"})
	put := b.put()
	put.Recursive = false
	check(t, put.Run(t.Context(), []string{here}, "/"))
	if len(b.items) != 1 || !errors.Is(b.items[0].Err, fault.Invalid) || len(b.Tree()) != 0 {
		t.Errorf("got %+v, %v", b.items, b.Tree())
	}
}

func TestPutTwoToOnePlace(t *testing.T) {
	b := newBench(t)
	here := t.TempDir()
	write(t, here, tree{"a/x": "1", "b/x": "2"})
	check(t, b.put().Run(t.Context(), []string{filepath.Join(here, "a/x"), filepath.Join(here, "b/x")}, "/"))
	if len(b.items) != 2 || b.items[0].Err == nil && b.items[1].Err == nil {
		t.Errorf("got %+v", b.items)
	}
}

// TestPutOfChangingFile writes to a file while it is sent, in one request and
// as one that goes on after a cut.
func TestPutOfChangingFile(t *testing.T) {
	requests := []struct {
		method, path string
		size         int
	}{
		{"PUT", "large", 12 << 20},
		{"PATCH", "uploads", 32 << 20},
	}
	for name, change := range map[string]func(*os.File) error{
		"grows":   func(f *os.File) error { _, err := f.Write([]byte("more")); return err },
		"shrinks": func(f *os.File) error { return f.Truncate(10) },
		"changes": func(f *os.File) error { _, err := f.WriteAt([]byte("X"), 0); return err },
	} {
		for _, request := range requests {
			t.Run(name+"/"+request.method, func(t *testing.T) {
				b := newBench(t)
				path := filepath.Join(t.TempDir(), "large")
				check(t, os.WriteFile(path, make([]byte, request.size), 0o600))
				old := fileTime(t, path)
				file, err := os.OpenFile(path, os.O_RDWR, 0)
				check(t, err)
				defer file.Close()
				_, err = file.Seek(0, io.SeekEnd)
				check(t, err)
				var began atomic.Bool
				changed := make(chan struct{})
				b.Inject(request.method, request.path, apitest.Midway(1<<20, func() {
					began.Store(true)
					defer close(changed)
					if err := change(file); err != nil {
						t.Error(err)
					}
					touch(t, path, old)
				}))
				check(t, b.put().Run(t.Context(), []string{path}, "/"))
				if !began.Load() {
					t.Fatal("it was not changed while it was sent")
				}
				<-changed
				b.expect(t, map[string]string{"/large": "failed: the file was changed while it was read"})
				if len(b.Tree()) != 0 || b.Uploads() != 0 {
					t.Errorf("it is visible, or one of %d uploads", b.Uploads())
				}
			})
		}
	}
}

// TestPutSurvives puts a tree over a bad connection.
func TestPutSurvives(t *testing.T) {
	b := newBench(t)
	here := t.TempDir()
	want := odd()
	write(t, here, want)
	b.succeed(t, b.put().Run(t.Context(), []string{here}, "/warm")) // there is an answer
	faults := []apitest.Fault{
		apitest.Refuse("UNAVAILABLE", ""), apitest.Cut(3), apitest.LoseAnswer(), apitest.CutAnswer(9, nil),
	}
	for i := range 10 {
		b.InjectAfter(4*i, "PUT", "", faults[i%len(faults)])
		b.InjectAfter(4*i, "POST", "", faults[i%len(faults)])
	}
	b.InjectAfter(60, "PUT", "", apitest.DamageBody())
	b.client = patient(t, b.URL)
	b.succeed(t, b.put().Run(t.Context(), []string{here}, "/d"))
	same(t, remote(b.Server, "/d/"), want)
}

// TestPutStops checks that it does not go on when it can't succeed any more.
func TestPutStops(t *testing.T) {
	for _, reason := range []string{"UNAUTHENTICATED", "QUOTA_EXCEEDED", "STORAGE_FULL", "UNAVAILABLE"} {
		t.Run(reason, func(t *testing.T) {
			b := newBench(t)
			here := t.TempDir()
			files := tree{}
			for i := range 1000 {
				files[string(rune('a'+i%26))+strings.Repeat("x", i/26)] = "x"
			}
			write(t, here, files)
			for range 1000 {
				b.Inject("PUT", "", apitest.Refuse(reason, ""))
			}
			err := b.put().Run(t.Context(), []string{here}, "/d")
			if fault.ReasonOf(err) != fault.Reason(errorsv1.Reason_value["REASON_"+reason]) {
				t.Errorf("got %v", err)
			}
			if calls := len(b.Calls()); calls > 100 {
				t.Errorf("it took %d calls", calls)
			}
		})
	}
}

func TestPutStream(t *testing.T) {
	b := newBench(t)
	b.AddFolder("/d")
	b.succeed(t, b.put().Stream(t.Context(), strings.NewReader("from a pipe"), "/new/file"))
	same(t, remote(b.Server, "/new/"), tree{"file": "from a pipe"})
	if err := b.put().Stream(t.Context(), strings.NewReader("x"), "/d"); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
}

// Large files are stored where their uploads cannot be remembered, too, and that
// is told once.
func TestPutWithoutMemory(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	large := strings.Repeat("0123456789abcdef", 1<<20)
	write(t, dir, tree{"no-folder": "", "d/one": large, "d/two": large})
	put, told := b.put(), 0
	put.Unfinished = filepath.Join(dir, "no-folder", "uploads")
	put.Forgetful = func(err error) {
		told++
		if !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("told %v", err)
		}
	}
	b.succeed(t, put.Run(t.Context(), []string{filepath.Join(dir, "d")}, "/"))
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	if b.Tree()["/d/one"] != large || b.Tree()["/d/two"] != large {
		t.Error("other contents")
	}
}

// TestPutOfSecretlyChangedFile changes files and gives them back the times and
// sizes that they had: between a run that was cut and the next, and while they are
// sent. The old bytes and the new ones are never visible as one file.
func TestPutOfSecretlyChangedFile(t *testing.T) {
	const size = 16 << 20
	for name, test := range map[string]struct {
		size         int
		method, path string
	}{
		"in one request":  {12 << 20, "PUT", "large"}, // more than sockets hold,
		"in several":      {size, "PATCH", "uploads"},
		"between the two": {size, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			dir := t.TempDir()
			path := filepath.Join(dir, "large")
			write(t, dir, tree{"large": strings.Repeat("a", test.size)})
			old := fileTime(t, path)
			overwrite := func() {
				file, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err == nil {
					_, err = file.WriteString(strings.Repeat("b", test.size))
					err = errors.Join(err, file.Close(), os.Chtimes(path, old, old))
				}
				if err != nil {
					t.Error(err)
				}
			}
			put := b.put()
			put.Unfinished = filepath.Join(dir, "uploads")
			if test.method != "" {
				b.Inject(test.method, test.path, apitest.Midway(1<<20, overwrite))
				check(t, put.Run(t.Context(), []string{path}, "/"))
				b.expect(t, map[string]string{"/large": "failed: the file was changed while it was read"})
				if len(b.Tree()) != 0 {
					t.Error("a part of each is visible")
				}
				return
			}
			ctx, cancel := context.WithCancel(t.Context())
			b.Inject("PATCH", "uploads", apitest.CutKept(size/2))
			b.Inject("HEAD", "uploads", apitest.Before(cancel))
			if err := put.Run(ctx, []string{path}, "/"); !errors.Is(err, context.Canceled) {
				t.Fatalf("ended by %v", err)
			}
			overwrite()
			b.succeed(t, put.Run(t.Context(), []string{path}, "/"))
			if b.Tree()["/large"] != strings.Repeat("b", size) {
				t.Error("it is not the new file")
			}
		})
	}
}

// TestPutGoesOn puts a file in a second run, after the first was ended midway: what
// the server has is not sent again, as long as the file has the same bytes.
func TestPutGoesOn(t *testing.T) {
	const size = 16 << 20
	b := newBench(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "large")
	write(t, dir, tree{"large": strings.Repeat("a", size)})
	put := b.put()
	put.Unfinished = filepath.Join(dir, "uploads")
	ctx, cancel := context.WithCancel(t.Context())
	b.Inject("PATCH", "uploads", apitest.CutKept(size/2))
	b.Inject("HEAD", "uploads", apitest.Before(cancel))
	if err := put.Run(ctx, []string{path}, "/"); !errors.Is(err, context.Canceled) {
		t.Fatalf("ended by %v", err)
	}
	touch(t, path, fileTime(t, path)) // its time is not its contents
	before := len(b.Calls())
	b.succeed(t, put.Run(t.Context(), []string{path}, "/"))
	for _, call := range b.Calls()[before:] {
		if strings.HasPrefix(call, "POST") {
			t.Errorf("opened anew: %s", call)
		}
	}
	if b.Tree()["/large"] != strings.Repeat("a", size) {
		t.Error("other contents")
	}
}
