package diskblob_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
)

// syncPoints are the places where something becomes durable whose lack shows
// within a few lives. make mutants takes out each sync there is, those of merges
// and of packs that were left open among them, and lets a thousand live.
var syncPoints = []diskblob.SyncPoint{
	diskblob.SyncParents, diskblob.SyncLayout, diskblob.SyncFormat, diskblob.SyncFormatName,
	diskblob.SyncLargeData, diskblob.SyncLargeName, diskblob.SyncLargeGone,
	diskblob.SyncPackName, diskblob.SyncPackData, diskblob.SyncPackRecovered,
	diskblob.SyncIndex, diskblob.SyncIndexName, diskblob.SyncTombs, diskblob.SyncTombsName,
	diskblob.SyncMergedData,
}

var lives = flag.Uint64("powerloss.lives", 60, "stores that TestPowerLoss lets live and die")

// Stores live, die at any change of the disk, lose what was not durable, and
// are opened again: nothing that was acknowledged may be missing or come back.
func TestPowerLoss(t *testing.T) {
	for seed := range *lives {
		if err := live(t.Context(), rand.New(rand.NewPCG(seed, 1)), ""); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// The simulation notices when a sync is missing.
func TestEverySyncCounts(t *testing.T) {
	for _, point := range syncPoints {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(2000) {
				if err := live(t.Context(), rand.New(rand.NewPCG(seed, 2)), point); err != nil {
					t.Logf("after %d lives: %v", seed+1, err)
					return
				}
			}
			t.Errorf("nothing is lost without")
		})
	}
}

// violation is what must never be seen.
func violation(format string, args ...any) error { return fmt.Errorf("violation: "+format, args...) }
