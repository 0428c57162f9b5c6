package namespace

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// place finds out where the file goes: by what Begin saw, or afresh. It goes into
// the space that Begin saw, and into no other of its id, whose root folder has the
// same id too.
func (c *commit) place(ctx context.Context, asBegun bool) error {
	if passed(c.grant.GetExpireMicros(), c.n.now()) {
		return errIntentGone
	}
	c.expired = nil
	if err := c.find(ctx, asBegun); err != nil {
		return err
	}
	if begun := c.grant.GetSpaceCreateMicros(); begun != 0 && begun != c.head.space.GetCreateMicros() {
		return notFound(resource.SpaceName(c.grant.GetSpace()))
	}
	return nil
}

func (c *commit) find(ctx context.Context, asBegun bool) error {
	if asBegun {
		c.folder, c.missing, c.current = c.grant.GetFolder(), c.grant.GetMissingFolders(), c.grant.GetCurrent()
		if c.current != nil && !visible(c.current, c.n.now()) {
			return errUnsettled // it has expired, whether it was removed by now or not
		}
		h, err := c.n.under(ctx, c.at(), func() error { return nil })
		c.head = h
		if c.grant.GetNode() != "" && errors.Is(err, fault.NotFound) {
			return errUnsettled // the folder is gone; the file may have left it before
		}
		return err
	}
	if c.grant.GetNode() != "" {
		return c.placeNode(ctx)
	}
	h, err := c.n.under(ctx, c.at(), func() error { return c.descend(ctx) })
	c.head = h
	return err
}

// at is the folder that the upload was resolved to; from there on it goes by id.
func (c *commit) at() resource.File {
	return resource.File{Space: c.grant.GetSpace(), ID: c.grant.GetFolder()}
}

// placeNode reads the file that the upload was for, wherever it is by now.
func (c *commit) placeNode(ctx context.Context) error {
	name := resource.File{Space: c.grant.GetSpace(), ID: c.grant.GetNode()}
	node, h, err := c.n.node(ctx, name)
	if err != nil {
		return err
	}
	if node.GetState() != recordv1.Node_LIVE {
		return fault.New(errorsv1.Reason_REASON_CONFLICT, "%s is in the trash", name)
	}
	c.current, c.head = node, h
	return nil
}

// descend follows the folders that were missing, as far as others have made
// them meanwhile, and reads what is under the name.
func (c *commit) descend(ctx context.Context) error {
	space := c.grant.GetSpace()
	c.folder, c.missing, c.current = c.grant.GetFolder(), c.grant.GetMissingFolders(), nil
	c.expired = nil
	for len(c.missing) > 0 {
		next, err := c.n.entry(ctx, space, c.folder, c.missing[0])
		if err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		if !visible(next, c.n.now()) {
			return c.n.evict(ctx, space, next)
		}
		if next.GetKind() != recordv1.Node_FOLDER {
			return pathThroughFile()
		}
		c.folder, c.missing = next.GetId(), c.missing[1:]
	}
	there, err := c.n.entry(ctx, space, c.folder, c.grant.GetDisplayName())
	switch {
	case err != nil:
		return err
	case there == nil:
	case !visible(there, c.n.now()):
		c.expired = there
	case there.GetKind() != recordv1.Node_FILE:
		return nameOfFolder(there.GetDisplayName())
	default:
		c.current = there
	}
	return nil
}

// evict frees the name of an expired node, which its job will remove.
func (n *Namespace) evict(ctx context.Context, space string, expired *recordv1.Node) error {
	err := ignoreConditions(n.table.Commit(ctx, []table.Write{dropEntry(space, expired)}))
	if err == nil {
		err = errUnsettled
	}
	return err
}

// orOurs returns the outcome of an earlier Commit with the same grant whose
// answer was lost, or of the same request made twice at once, if there was one,
// and else err.
func (c *commit) orOurs(ctx context.Context, err error) (*ledgerv1.CommitResponse, error) {
	if reason := fault.ReasonOf(err); reason == errorsv1.Reason_REASON_UNAVAILABLE ||
		reason == errorsv1.Reason_REASON_INTERNAL {
		return nil, err
	}
	if first, replayErr := c.first(ctx); first != nil || replayErr != nil {
		return first, replayErr
	}
	intent := table.Key{Partition: c.grant.GetIntentPartition(), Sort: c.grant.GetIntentSort()}
	_, getErr := c.n.table.Get(ctx, intent)
	if !errors.Is(getErr, table.ErrNotFound) {
		return nil, err // open or claimed: not committed
	}
	candidates := []string{c.grant.GetNewNode(), c.grant.GetNode(), c.grant.GetCurrent().GetId()}
	if c.grant.GetNode() == "" && c.descend(ctx) == nil {
		candidates = append(candidates, c.current.GetId())
	}
	for _, id := range candidates {
		if id == "" {
			continue
		}
		node, lookErr := c.n.nodeRecord(ctx, resource.File{Space: c.grant.GetSpace(), ID: id})
		if errors.Is(lookErr, fault.NotFound) {
			continue
		}
		if lookErr != nil {
			return nil, lookErr
		}
		ours, lookErr := c.wrote(ctx, node)
		if lookErr != nil {
			return nil, lookErr
		}
		if ours {
			return &ledgerv1.CommitResponse{
				File: file(c.grant.GetSpace(), node), Created: id == c.grant.GetNewNode(),
			}, nil
		}
	}
	return nil, err
}

// wrote reports whether this upload wrote a revision of a node, the current one
// or one that has been overwritten since.
func (c *commit) wrote(ctx context.Context, node *recordv1.Node) (bool, error) {
	mine := string(c.grant.GetBlobId())
	if string(node.GetRevision().GetUploadId()) == mine {
		return true, nil
	}
	query := record.Revisions(c.grant.GetSpace(), node.GetId())
	// Revision ids order by the time of their commit, which came after Begin, but by
	// the clock of who commits, and that may be behind.
	begun := c.grant.GetBeginMicros() - c.n.config.Grace.Microseconds()
	query.From = record.Revision(c.grant.GetSpace(), node.GetId(), record.FirstIDAt(begun/1000)).Sort
	query.Limit = maxPage
	for {
		page, err := c.n.table.Query(ctx, query)
		if err != nil {
			return false, err
		}
		for _, item := range page.Items {
			old := new(recordv1.Revision)
			if err := record.Decode(item, old); err != nil {
				return false, err
			}
			if string(old.GetUploadId()) == mine {
				return true, nil
			}
			query.From = item.Key.Sort + "\x01"
		}
		if !page.More {
			return false, nil
		}
	}
}
