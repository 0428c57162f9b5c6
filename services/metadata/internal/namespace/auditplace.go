package namespace

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// examinePlace checks that a node lies in a folder, or in one that is gone and
// still being emptied, and that a folder does not lie in itself.
func (a *audit) examinePlace(ctx context.Context, item table.Item, at resource.File, node *recordv1.Node) error {
	in := resource.File{Space: at.Space, ID: node.GetFolder()}
	folder, err := a.n.nodeRecord(ctx, in)
	switch {
	case errors.Is(err, fault.NotFound):
		a.suspect(item, at.Space, jobOf{recordv1.Job_EMPTY, in.ID}, func(ctx context.Context) error {
			return a.noFolder(ctx, at, in, "does not exist")
		})
		return nil
	case err != nil:
		return err
	case folder.GetKind() != recordv1.Node_FOLDER: // what it always was
		return a.noFolder(ctx, at, in, "is a file")
	case node.GetKind() != recordv1.Node_FOLDER:
		return nil
	}
	if steps, err := a.around(ctx, at); err != nil || steps == 0 {
		return err
	}
	return a.inItself(ctx, at)
}

// noFolder tells of a node if it still lies in what is no folder.
func (a *audit) noFolder(ctx context.Context, at, in resource.File, is string) error {
	now, err := a.n.nodeRecord(ctx, at)
	if err == nil && now.GetFolder() == in.ID && now.GetState() == recordv1.Node_LIVE {
		a.find(ledgerv1.Finding_FOLDER_MISSING, at.String(), "its folder "+in.String()+" "+is)
	}
	return ignoreNotFound(err) // removed meanwhile
}

// around climbs from a live folder, and returns after how many steps it comes to
// that folder again; 0 if the way ends, be it at a record that cannot be read, and
// if others go round above it, which have findings of their own. What a Namespace
// remembers of folders is not asked, for it may be from before the damage. Each is
// read once for a page.
func (a *audit) around(ctx context.Context, at resource.File) (int, error) {
	var chain []resource.File
	var way wayUp
	for id := at.ID; id != record.Root; {
		if way.closes(id) {
			chain = chain[:1] // those behind may go round
			break
		}
		folder := resource.File{Space: at.Space, ID: id}
		if a.ended[folder] {
			break
		}
		node, err := a.n.nodeRecord(ctx, folder)
		if ignoreNotFound(err) != nil && !errors.Is(err, fault.DataLoss) {
			return 0, err
		}
		chain = append(chain, folder)
		if err != nil || node.GetState() != recordv1.Node_LIVE {
			break
		}
		if id = node.GetFolder(); id == at.ID {
			return len(chain), nil
		}
	}
	if a.ended == nil {
		a.ended = map[resource.File]bool{}
	}
	for _, folder := range chain {
		a.ended[folder] = true
	}
	return 0, nil
}

// inItself tells of a folder that lies in itself at one moment: a climb among
// folders that are moved may go round too.
func (a *audit) inItself(ctx context.Context, at resource.File) error {
	return ignoreNotFound(a.n.settle(ctx, func() error {
		before, err := a.n.head(ctx, at.Space)
		if err != nil {
			return err
		}
		steps, err := a.around(ctx, at)
		if err != nil || steps == 0 {
			return err
		}
		after, err := a.n.head(ctx, at.Space)
		if err != nil {
			return err
		}
		if after.version() != before.version() {
			return errUnsettled
		}
		a.find(ledgerv1.Finding_FOLDER_CYCLE, at.String(), fmt.Sprintf("it lies in itself, %d folders up", steps))
		return nil
	}))
}
