package content

import "sync/atomic"

// Stats tell what an engine moves. The counters only grow.
type Stats struct {
	UploadedBytes   int64 // read from callers, of failed uploads too
	DownloadedBytes int64 // written to callers, of cut downloads too
	Retries         int64 // tries to commit or to read extents that were repeated
	Uploads         int64 // in hand, those that wait for memory included
	BufferBytes     int64 // of UploadMemory, taken by the uploads in hand
}

// Stats returns the stats of now.
func (e *Engine) Stats() Stats {
	return Stats{
		UploadedBytes: e.stats.uploaded.Load(), DownloadedBytes: e.stats.downloaded.Load(),
		Retries: e.stats.retries.Load(), Uploads: e.stats.uploads.Load(), BufferBytes: e.stats.buffers.Load(),
	}
}

type counters struct{ uploaded, downloaded, retries, uploads, buffers atomic.Int64 }
