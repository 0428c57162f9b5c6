package e2e_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// TestDamagedFiles changes and cuts files of the data directory. No reader is
// given a wrong byte, what is not damaged is served, fsck names what is, and a
// new upload of it is whole.
func TestDamagedFiles(t *testing.T) {
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fleet.Mode{fleet.One, fleet.Three} {
		for name, damage := range map[string]func(*testing.T, *os.File, int64){
			"flipped": func(t *testing.T, f *os.File, at int64) {
				b := make([]byte, 1)
				if _, err := f.ReadAt(b, at); err != nil {
					t.Fatal(err)
				}
				b[0] ^= 1
				if _, err := f.WriteAt(b, at); err != nil {
					t.Fatal(err)
				}
			},
			"cut": func(t *testing.T, f *os.File, at int64) {
				if err := f.Truncate(at); err != nil {
					t.Fatal(err)
				}
			},
		} {
			t.Run(string(mode)+"/"+name, func(t *testing.T) { damaged(t, mode, programs, damage) })
		}
	}
}

func damaged(t *testing.T, mode fleet.Mode, programs string, damage func(*testing.T, *os.File, int64)) {
	data := filepath.Join(t.TempDir(), "data")
	f, g := launched(t, fleet.Config{Mode: mode, Programs: programs, DataDir: data})
	w := newWeb(t, g)
	large, small, sound := random(3<<20), random(5000), random(2<<20)
	w.put("/large", large).want(http.StatusCreated)
	w.put("/small", small).want(http.StatusCreated)
	w.put("/sound", sound).want(http.StatusCreated)
	const middle = 2 << 20
	fileWith(t, data, large[middle:middle+64], damage)
	fileWith(t, data, small[1000:1064], damage)

	for path, contents := range map[string][]byte{"/large": large, "/small": small} {
		got, whole := w.read(path)
		if whole || !bytes.HasPrefix(contents, got) {
			t.Errorf("%s: %d bytes, whole %t, a prefix %t", path, len(got), whole, bytes.HasPrefix(contents, got))
		}
	}
	// Of a file that was cut the checksums are gone too.
	if start := w.get("/large", "Range", "bytes=0-99"); start.status == http.StatusPartialContent {
		start.bytes(large[:100])
	} else {
		start.failed(http.StatusInternalServerError, "DATA_LOSS")
	}
	w.get("/sound").want(http.StatusOK).bytes(sound)
	if got := len(w.names("path="+w.root, 1000)); got != 3 {
		t.Errorf("%d files are listed", got)
	}

	out, code := g.holdfast(t, "fsck", "--deep", "--inspect="+f.Inspect)
	if code == 0 {
		t.Errorf("fsck finds nothing: %s", out)
	}
	for path, named := range map[string]bool{"/large": true, "/small": true, "/sound": false} {
		id := w.lookup(path).Revision
		if id = id[strings.LastIndexByte(id, '/')+1:]; strings.Contains(out, id) != named {
			t.Errorf("fsck names %s: %t\n%s", path, !named, out)
		}
	}

	w.put("/large", large).want(http.StatusOK)
	w.get("/large").want(http.StatusOK).bytes(large)
	w.put("/small", small).want(http.StatusOK)
	w.get("/small").want(http.StatusOK).bytes(small)
}

// fileWith damages the file below a folder that holds the bytes, there.
func fileWith(t *testing.T, folder string, needle []byte, damage func(*testing.T, *os.File, int64)) {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	found := false
	err = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		contents, err := root.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // its keeper has replaced it meanwhile
		}
		if err != nil {
			return err
		}
		at := bytes.Index(contents, needle)
		if at < 0 {
			return nil
		}
		file, err := root.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		found = true
		damage(t, file, int64(at))
		return file.Close()
	})
	if err != nil || !found {
		t.Fatalf("the bytes to damage: found %t, %v", found, err)
	}
}

// read returns what comes of a file, and whether that was all of it.
func (w *web) read(path string) (contents []byte, whole bool) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.g.url+w.at(path), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := direct.Do(req)
	if err != nil {
		return nil, false
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return nil, false
	}
	return b.Bytes(), err == nil
}
