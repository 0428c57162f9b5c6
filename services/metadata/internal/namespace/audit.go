package namespace

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	defaultAuditPage = 1000
	// maxResponseBytes is when a response that gathers extents is full: records of
	// many extents are small, and what they tell of is not. One more record, of as
	// many extents as there can be, has room below the bound of a message.
	maxResponseBytes = 1 << 20
)

// Audit walks all records, a page at a time. Each is compared with those that
// must agree with it; a disagreement is looked at twice, since a change between
// two reads looks like one.
func (n *Namespace) Audit(ctx context.Context, req *ledgerv1.AuditRequest) (*ledgerv1.AuditResponse, error) {
	size := int(req.GetPageSize())
	if size <= 0 || size > maxExamined {
		size = defaultAuditPage
	}
	page, err := n.table.Scan(ctx, req.GetPageToken(), size)
	if err != nil {
		return nil, err
	}
	a := audit{n: n, repair: req.GetRepair(), response: &ledgerv1.AuditResponse{
		ExaminedCount: int64(len(page.Items)), NextPageToken: page.Next,
	}}
	var gathered weight[*ledgerv1.Reference]
	for i, item := range page.Items {
		if err := a.examine(ctx, item); err != nil {
			return nil, err
		}
		if left := len(page.Items) - i - 1; left > 0 && gathered.of(a.response.GetReferences()) > maxResponseBytes {
			cut, err := a.cut(ctx, req.GetPageToken(), page.Items[:i+1])
			if err != nil {
				return nil, err
			}
			if cut {
				break
			}
		}
	}
	if err := a.settle(ctx); err != nil {
		return nil, err
	}
	return a.response, a.putBack(ctx)
}

// cut ends a page after the items that are examined, and reports whether it
// could: not while others put records among them.
func (a *audit) cut(ctx context.Context, token string, examined []table.Item) (bool, error) {
	page, err := a.n.table.Scan(ctx, token, len(examined))
	if err != nil {
		return false, err
	}
	last := len(examined) - 1
	if len(page.Items) != len(examined) || page.Items[last].Key != examined[last].Key {
		return false, nil
	}
	a.response.ExaminedCount, a.response.NextPageToken = int64(len(examined)), page.Next
	return true, nil
}

type audit struct {
	n        *Namespace
	repair   bool
	response *ledgerv1.AuditResponse
	suspects []suspect
	endings  map[string]bool        // spaces that were looked at: whether they are being removed
	ended    map[resource.File]bool // folders that were found to lie in none of those below them
	lost     []lostNode             // to be put back
	// shared is of the file whose counters were examined last, and recounted are
	// those that are missing and have been counted.
	shared    sharers
	recounted map[table.Key]bool
}

// examine looks at one record.
func (a *audit) examine(ctx context.Context, item table.Item) error {
	kind, parts := record.KindOf(item.Key)
	var err error
	switch kind {
	case record.KindNode:
		if len(parts) != 2 {
			break
		}
		at := resource.File{Space: parts[0], ID: parts[1]}
		if id, ok := record.RevisionOf(item.Key); ok {
			err = a.examineRevision(ctx, item, at, id)
		} else if id, ok := record.CounterOf(item.Key); ok {
			err = a.examineCounter(ctx, item, at, id)
		} else if record.IsNode(item.Key) {
			err = a.examineNode(ctx, item, at)
		}
	case record.KindEntry:
		if len(parts) == 2 {
			err = a.examineEntry(ctx, item, parts[0])
		}
	case record.KindTrash:
		if len(parts) == 2 {
			err = a.examineTrash(ctx, item, parts[0])
		}
	case record.KindJob:
		err = a.examineJob(ctx, item)
	case record.KindUpload:
		if len(parts) == 2 {
			err = a.examineUpload(ctx, item, resource.Upload{Space: parts[0], ID: parts[1]})
		}
	case record.KindExtents:
		if len(parts) == 2 {
			err = a.examineBatch(ctx, item, parts[0], parts[1])
		}
	case record.KindUsage:
		if len(parts) == 2 {
			a.count(parts[0], quota.CountedBy(item))
		}
	case record.KindSpace:
		err = a.examineAccess(ctx, item, parts[0])
	case record.KindMember:
		err = a.examineMembership(ctx, item, parts[0])
	case record.KindAPIKey:
		err = a.examineKeyHash(ctx, item)
	case record.KindLink:
		err = a.examineLink(ctx, item)
	case record.KindIndex:
		err = a.examineIndex(ctx, item)
	case record.KindSecret, record.KindSlots, record.KindOutcome:
	default:
		a.find(ledgerv1.Finding_RECORD_CORRUPT, jobRef(item.Key), "the key is none of ours")
	}
	return a.corrupt(item, err)
}

func (a *audit) find(kind ledgerv1.Finding_Kind, name, detail string) *ledgerv1.Finding {
	finding := &ledgerv1.Finding{Kind: kind, Name: name, Detail: detail}
	a.response.Findings = append(a.response.Findings, finding)
	return finding
}

// refer tells where the bytes of a revision are, that item has.
func (a *audit) refer(ctx context.Context, item table.Item, at resource.File, r *recordv1.Revision) error {
	all, err := a.n.allExtents(ctx, at.Space, r.GetLists(), r.GetExtents())
	if errors.Is(err, fault.DataLoss) {
		if again, getErr := a.n.table.Get(ctx, item.Key); getErr != nil || again.Tag != item.Tag {
			return ignoreMissing(getErr) // changed or purged meanwhile
		}
	}
	if err != nil {
		return err
	}
	a.response.References = append(a.response.References, &ledgerv1.Reference{
		Name:      resource.Revision{File: at, Revision: r.GetId()}.String(),
		Extents:   extents(all),
		SizeBytes: r.GetSizeBytes(),
		Sha256:    r.GetSha256(),
	})
	return nil
}

func (a *audit) examineNode(ctx context.Context, item table.Item, at resource.File) error {
	node, err := record.DecodeNode(item)
	if err != nil {
		return err
	}
	if node.GetId() != at.ID || node.GetEtag() != item.Tag {
		a.find(ledgerv1.Finding_RECORD_CORRUPT, at.String(), "the node contradicts its key or tag")
	}
	if node.GetRevision() != nil {
		if err := a.refer(ctx, item, at, node.GetRevision()); err != nil {
			return err
		}
		a.hold(at.Space, quota.Change{Held: quota.Amount{Bytes: node.GetRevision().GetSizeBytes(), Files: 1}})
	}
	if at.ID == record.Root {
		return a.examineRoot(ctx, item, at)
	}
	if err := a.isCounted(ctx, at, node.GetRevision()); err != nil {
		return err
	}
	if err := a.examineDue(ctx, item, at, node); err != nil {
		return err
	}
	if node.GetState() == recordv1.Node_TRASHED {
		return a.agree(ctx, at, trashKey(at.Space, node), ledgerv1.Finding_TRASH_MISMATCH)
	}
	if err := a.examinePlace(ctx, item, at, node); err != nil {
		return err
	}
	if passed(node.GetExpireMicros(), a.n.now()) {
		return nil // its name may be another's by now; its job will remove it
	}
	return a.agree(ctx, at, record.Entry(at.Space, node.GetFolder(), node.GetDisplayName()),
		ledgerv1.Finding_ENTRY_MISMATCH)
}
