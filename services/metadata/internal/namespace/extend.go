package namespace

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// maxBlobs bounds the blobs of one upload: the largest file has 80 of the
// largest size.
const maxBlobs = 100

// Extend gives an upload another blob. The intent, which lists all of them, is
// replaced under the condition that it is as the grant knows it, so a late
// repetition can't shorten it; and the id follows from the grant, so that a
// repetition returns the same. The role is checked again, as by Commit.
func (n *Namespace) Extend(ctx context.Context, req *ledgerv1.ExtendRequest) (*ledgerv1.ExtendResponse, error) {
	grant, err := n.openGrant(req.GetGrant())
	if err != nil {
		return nil, err
	}
	if passed(grant.GetExpireMicros(), n.now()) {
		return nil, errIntentGone
	}
	access.ActFor(ctx, grant.GetPrincipal(), access.Kind(grant.GetIdentity().GetKind()))
	if err := n.stillAllowed(ctx, grant.GetIdentity(), grant.GetSpace(), access.Writer); err != nil {
		return nil, err
	}
	count := len(granted(grant))
	if count == maxBlobs {
		return nil, fault.New(errorsv1.Reason_REASON_TOO_LARGE, "the contents are in too many blobs")
	}
	held, next := intentTag(grant), blobAfter(grant.GetBlobId(), count)
	grant.MoreBlobIds = append(grant.GetMoreBlobIds(), next[:])
	sealed, err := proto.Marshal(grant)
	if err != nil {
		return nil, err
	}
	key := table.Key{Partition: grant.GetIntentPartition(), Sort: grant.GetIntentSort()}
	err = n.table.Commit(ctx, []table.Write{table.Put(record.Item(key, intentTag(grant), &recordv1.Job{
		Kind: recordv1.Job_BLOBS, Intent: true, Space: grant.GetSpace(),
		BlobIds: granted(grant), DueMicros: grant.GetExpireMicros(),
	}), table.IfTag(held))})
	if conflict := (*table.ConditionError)(nil); errors.As(err, &conflict) {
		err = n.extendedBefore(ctx, key, grant)
	}
	if err != nil {
		return nil, err
	}
	return &ledgerv1.ExtendResponse{Grant: n.key.Seal(grantPurpose, sealed), BlobId: next.String()}, nil
}

// extendedBefore returns nil when the intent is what Extend would make it.
func (n *Namespace) extendedBefore(ctx context.Context, key table.Key, grant *recordv1.Grant) error {
	item, err := n.table.Get(ctx, key)
	if errors.Is(err, table.ErrNotFound) || err == nil && item.Tag != intentTag(grant) {
		return errIntentGone
	}
	return err
}

// granted lists the blobs of an upload, in their order.
func granted(grant *recordv1.Grant) [][]byte {
	return slices.Concat([][]byte{grant.GetBlobId()}, grant.GetMoreBlobIds())
}

// intentTag is the tag of the intent that a grant knows, as long as it is open.
func intentTag(grant *recordv1.Grant) string {
	if len(grant.GetMoreBlobIds()) == 0 {
		return openTag
	}
	return openTag + strconv.Itoa(len(granted(grant)))
}

// blobAfter returns the id of the blob that follows so many others of an
// upload: a UUIDv7 of the first one's time.
func blobAfter(first []byte, count int) (id uuid.UUID) {
	sum := sha256.Sum256(append(slices.Clone(first), byte(count)))
	copy(id[:6], first)
	copy(id[6:], sum[:])
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // of RFC 9562
	return id
}
