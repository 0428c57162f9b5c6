package diskblob_test

import (
	"testing"

	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/blobtest"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
)

func TestContract(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store {
		s, err := diskblob.Open(diskblob.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// With packs of a few records, so that there are many, which are merged while
// the suite runs.
func TestContractTinyPacks(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store {
		s, err := diskblob.Open(diskblob.Config{Dir: t.TempDir(), PackBytes: 16 << 10, OpenFiles: 1})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
