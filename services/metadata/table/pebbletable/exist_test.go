package pebbletable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/services/metadata/table/pebbletable"
)

// Where a table must be and is none, none is made.
func TestMustExist(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "metadata")
	_, err := pebbletable.Open(pebbletable.Config{Dir: dir, MustExist: true})
	if _, there := os.Stat(dir); !errors.Is(err, fault.NotFound) || !errors.Is(there, fs.ErrNotExist) {
		t.Errorf("%v; %v", err, there)
	}
	if err := open(t, pebbletable.Config{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, pebbletable.Config{Dir: dir, MustExist: true}).Close(); err != nil {
		t.Error(err)
	}
}
