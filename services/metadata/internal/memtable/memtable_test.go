package memtable_test

import (
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/services/metadata/internal/memtable"
	"github.com/holdfast-files/holdfast/services/metadata/table"
	"github.com/holdfast-files/holdfast/services/metadata/table/tabletest"
)

func TestContract(t *testing.T) {
	tabletest.Run(t, func(*testing.T) table.Table { return memtable.New(time.Now) })
}
