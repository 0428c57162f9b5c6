package diskblob

import (
	"fmt"
	"log/slog"
)

// Config says where the blobs lie and what the engine may use. Zero values of
// all but Dir mean the defaults.
type Config struct {
	// Dir is the directory. It is created when there is none, and belongs to the
	// store alone.
	Dir string
	// MustExist makes Open fail where there is no store, rather than make one.
	MustExist bool
	// NoMaintenance leaves packs as they are: none gets an index but one that Open
	// recovers, and none is merged. It is for looking at a store.
	NoMaintenance bool
	// FS is the file system; by default the operating system's.
	FS FS
	// Logger is told of what an operator should know; by default nobody is.
	Logger *slog.Logger

	// OpenFiles bounds the files that are kept open after a read; by default
	// 512. More are open while more are read at once.
	OpenFiles int
	// PackBytes is about the size of a pack of small blobs; by default 128 MiB,
	// at most 1 GiB. After a crash one pack or two are read as a whole.
	PackBytes int64
	// ReserveBytes of the disk are kept free: with less, blobs are refused with
	// STORAGE_FULL. What is kept back is for giving room back: records on the
	// same disk say what goes, and of a pack of which most is gone the rest is
	// copied. By default 256 MiB.
	ReserveBytes int64
	// MergeBytesPerSecond bounds what is copied to win back the room of deleted
	// small blobs; by default 64 MiB.
	MergeBytesPerSecond int64
}

func (c Config) withDefaults() (Config, error) {
	if c.FS == nil {
		c.FS = osFS{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OpenFiles == 0 {
		c.OpenFiles = 512
	}
	if c.PackBytes == 0 {
		c.PackBytes = 128 << 20
	}
	if c.ReserveBytes == 0 {
		c.ReserveBytes = 256 << 20
	}
	if c.MergeBytesPerSecond == 0 {
		c.MergeBytesPerSecond = 64 << 20
	}
	switch {
	case c.Dir == "":
		return c, fmt.Errorf("diskblob: Dir is missing")
	case c.ReserveBytes < 0:
		return c, fmt.Errorf("diskblob: ReserveBytes %d is out of range", c.ReserveBytes)
	case c.OpenFiles < 0, c.MergeBytesPerSecond < 0, c.PackBytes < 0 || c.PackBytes > 1<<30:
		return c, fmt.Errorf("diskblob: OpenFiles %d, PackBytes %d or MergeBytesPerSecond %d is out of range",
			c.OpenFiles, c.PackBytes, c.MergeBytesPerSecond)
	}
	return c, nil
}
