package transfer

import "os"

// SyncWith has files and folders synced by another function than (*os.File).Sync.
func (g *Get) SyncWith(sync func(*os.File) error) { g.sync = sync }
