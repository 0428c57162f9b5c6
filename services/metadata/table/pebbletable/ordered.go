package pebbletable

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// orderedFS syncs a directory before one of Pebble's marker files appears in
// it. A marker names the manifest to read, which is created just before; on a
// file system that may persist the two in any order, a loss of power in
// between would leave a marker without its manifest, and a database that does
// not open (cockroachdb/pebble#5825, not in v2.1).
type orderedFS struct{ vfs.FS }

// markerPrefix begins the names of Pebble's markers.
const markerPrefix = "marker."

func (f orderedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(f.PathBase(name), markerPrefix) {
		if err := syncDirectory(f.FS, f.PathDir(name)); err != nil {
			return nil, err
		}
	}
	return f.FS.Create(name, category)
}

// Unwrap returns the file system below, for vfs.Root.
func (f orderedFS) Unwrap() vfs.FS { return f.FS }
