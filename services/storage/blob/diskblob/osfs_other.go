//go:build unix && !linux

package diskblob

import "math"

// Available knows of no bound: what a disk has no room for fails when it is written.
func (osFS) Available(string) (int64, error) { return math.MaxInt64, nil }

// Sync is what package os does: on darwin it asks the drive itself to flush.
func (f osFile) Sync(_ SyncPoint) error { return f.File.Sync() }

// Writeback leaves all to Sync.
func (osFile) Writeback(_, _ int64, _ bool) error { return nil }
