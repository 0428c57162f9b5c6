package dynamotable_test

import (
	"crypto/rand"
	"testing"

	"github.com/holdfast-files/holdfast/services/internal/standin"
	"github.com/holdfast-files/holdfast/services/metadata/table"
	"github.com/holdfast-files/holdfast/services/metadata/table/dynamotable"
	"github.com/holdfast-files/holdfast/services/metadata/table/tabletest"
)

// Over the network, with pages that are cut early and writes that conflict
// with others that there are not.
func TestContract(t *testing.T) {
	server := standin.Servers(t, "-page-items=50", "-conflict-every=13")
	name := "records-" + rand.Text() // a server that runs on has those of other runs
	tabletest.Run(t, func(t *testing.T) table.Table {
		return open(t, dynamotable.Config{Table: name, Endpoint: server.DynamoDB})
	})
}

// open returns the table of a stand-in, which it makes.
func open(t *testing.T, c dynamotable.Config) *dynamotable.Table {
	t.Helper()
	if err := dynamotable.Ensure(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	opened, err := dynamotable.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}
