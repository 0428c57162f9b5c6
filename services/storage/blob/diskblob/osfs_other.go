//go:build unix && !linux

package diskblob

// Sync is what package os does: on darwin it asks the drive itself to flush.
func (f osFile) Sync(_ SyncPoint) error { return f.File.Sync() }

// Writeback leaves all to Sync.
func (osFile) Writeback(_, _ int64, _ bool) error { return nil }
