package diskblob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
)

// A store that is only looked at keeps its packs, however long that takes and
// though they would be merged.
func TestNoMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for range 3 { // a pack each; the limit keeps them from being merged here
			store, err := diskblob.Open(diskblob.Config{Dir: dir, PackBytes: 1 << 10})
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
		look := func(none bool) (before, after []string) {
			before = packs(t, dir)
			store, err := diskblob.Open(diskblob.Config{Dir: dir, MustExist: true, NoMaintenance: none})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) //nolint:forbidigo // of the bubble
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			return before, packs(t, dir)
		}
		if before, after := look(true); !slices.Equal(before, after) {
			t.Errorf("packs %v became %v", before, after)
		}
		if before, after := look(false); len(after) >= len(before) {
			t.Errorf("packs %v are to be merged, and became %v", before, after)
		}
	})
}

func packs(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "packs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Where a store must be and is none, none is made; where blobs are and FORMAT is
// not, that is damage.
func TestMustExist(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	_, err := diskblob.Open(diskblob.Config{Dir: dir, MustExist: true})
	if _, there := os.Stat(dir); !errors.Is(err, fault.NotFound) || !errors.Is(there, fs.ErrNotExist) {
		t.Errorf("%v; %v", err, there)
	}
	store, err := diskblob.Open(diskblob.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	body := strings.NewReader("x")
	_, err = store.Create(t.Context(), uuid.Must(uuid.NewV7()), body, body.Size())
	if err = errors.Join(err, store.Close(), os.Remove(filepath.Join(dir, "FORMAT"))); err != nil {
		t.Fatal(err)
	}
	if _, err := diskblob.Open(diskblob.Config{Dir: dir, MustExist: true}); !errors.Is(err, fault.DataLoss) {
		t.Errorf("without FORMAT: %v", err)
	}
}
