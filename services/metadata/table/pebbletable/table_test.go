package pebbletable_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/holdfast-files/holdfast/services/metadata/table"
	"github.com/holdfast-files/holdfast/services/metadata/table/pebbletable"
	"github.com/holdfast-files/holdfast/services/metadata/table/tabletest"
)

func TestContract(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) table.Table {
		return open(t, pebbletable.Config{Dir: t.TempDir()})
	})
}

func TestContractInMemory(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) table.Table {
		return open(t, pebbletable.Config{Dir: "metadata", FS: vfs.NewMem()})
	})
}

func open(t testing.TB, c pebbletable.Config) *pebbletable.Table {
	t.Helper()
	tbl, err := pebbletable.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return tbl
}
