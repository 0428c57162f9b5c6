package server

import (
	"time"

	"github.com/holdfast-files/holdfast/internal/settings"
)

// Limits bound what the service takes on; the zero value of each means its
// default. They are settings of every program that runs the storage service.
type Limits struct {
	UploadMemory  int64         `help:"Memory for the buffers of all uploads in flight, in MiB; an upload that finds none waits." default:"128" placeholder:"MIB"`
	UploadStall   time.Duration `help:"How long a gRPC client may send nothing in the middle of an upload." default:"1m" placeholder:"DURATION"`
	CommitTimeout time.Duration `help:"How long the commit of an upload is sent again while metadata does not answer, before the caller is told that its outcome is unknown." default:"30s" placeholder:"DURATION"`
	SweepInterval time.Duration `help:"Time between two looks for blobs to delete while there are none." default:"30s" placeholder:"DURATION"`
	SweepRate     float64       `help:"Blobs that are deleted in a second at most." default:"500" placeholder:"N"`
	SweepLease    time.Duration `help:"How long a blob to delete or a digest to compute is one process's; so long after that has died another takes it over." default:"2m" placeholder:"DURATION"`
	OrphanGrace   time.Duration `help:"Age from which a repair may delete a blob without a record; longer than any upload takes." default:"48h" placeholder:"DURATION"`
}

// Check checks the settings.
func (l Limits) Check(c *settings.Check) {
	if l.UploadMemory < 1 || l.UploadMemory > 1<<20 {
		c.Failf("upload-memory", "%d is not between 1 and 1048576 MiB", l.UploadMemory)
	}
	c.Positive("upload-stall", l.UploadStall)
	c.Positive("commit-timeout", l.CommitTimeout)
	c.Positive("sweep-interval", l.SweepInterval)
	if l.SweepRate <= 0 {
		c.Failf("sweep-rate", "%v is not above 0", l.SweepRate)
	}
	if l.SweepLease < time.Second || l.SweepLease > time.Hour {
		c.Failf("sweep-lease", "%v is not between 1s and 1h", l.SweepLease)
	}
	c.Positive("orphan-grace", l.OrphanGrace)
}
