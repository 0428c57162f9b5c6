package namespace

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// maxKeptExtents bounds the extents of one call: those of a request whose bytes
// are kept together or not at all.
const maxKeptExtents = 2000

// KeepExtents makes stored bytes a part of an upload. The commit takes their
// blobs from the pending ones, which is their intent, under the condition that
// no other request took the upload over.
func (n *Namespace) KeepExtents(
	ctx context.Context, req *ledgerv1.KeepExtentsRequest,
) (*ledgerv1.KeepExtentsResponse, error) {
	grant, err := n.openUploadGrant(req.GetGrant())
	if err != nil {
		return nil, err
	}
	added, err := recordExtents(req.GetExtents())
	if err != nil {
		return nil, err
	}
	if len(added) > maxKeptExtents {
		return nil, fault.Invalidf("extents", "must not be more than %d", maxKeptExtents)
	}
	var charges charges
	for attempt := range maxAttempts {
		u, err := n.granted(ctx, grant)
		if err != nil {
			return nil, err
		}
		if u.has(added) {
			return u.kept(req.GetMore()) // done before; the answer was lost
		}
		next, beside, err := n.keep(u, req, added)
		if err != nil {
			return nil, err
		}
		charged, err := charges.reserve(ctx, n, u, next)
		writes := append(slices.Clip(charged), u.put(next))
		reserving := charges.spread && len(charged) > 0
		if reserving {
			// Many counters and many batches are too much for one commit.
			only := clone(u.Upload)
			only.ReservedBytes = next.GetReservedBytes()
			writes = append(slices.Clip(charged), u.put(only))
		} else {
			writes = append(writes, beside...)
		}
		if err == nil {
			err = n.table.Commit(ctx, writes)
		}
		conflict := (*table.ConditionError)(nil)
		switch {
		case err == nil && reserving:
			continue
		case err == nil:
			return upload{name: u.name, Upload: next}.kept(req.GetMore())
		case errors.As(err, &conflict):
			charges.failed(conflict, 0, len(charged))
		case !errors.Is(err, errUnsettled):
			return nil, err
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
	return nil, contended()
}

// granted reads the upload of a grant, with the errors of stillAllowed when he who
// opened it may no longer write: a request may go on for hours. UPLOAD_SUPERSEDED
// when another request took it over.
func (n *Namespace) granted(ctx context.Context, grant *recordv1.UploadGrant) (upload, error) {
	u, err := n.uploadRecord(ctx, resource.Upload{Space: grant.GetSpace(), ID: grant.GetUpload()})
	if err != nil {
		return u, err
	}
	if u.GetEpoch() != grant.GetEpoch() {
		return u, fault.New(errorsv1.Reason_REASON_UPLOAD_SUPERSEDED, "a newer request has %s", u.name)
	}
	who := u.GetTarget().GetIdentity()
	access.ActFor(ctx, u.GetPrincipal(), access.Kind(who.GetKind()))
	if err := n.stillAllowed(ctx, who, u.name.Space, access.Writer); err != nil {
		return u, err
	}
	return u, n.unexpired(ctx, u)
}

// has reports whether the upload ends with these extents.
func (u upload) has(added []*recordv1.Extent) bool {
	at := len(u.GetExtents()) - len(added)
	if len(added) == 0 || at < 0 && u.GetBatches() == 0 {
		return false
	}
	// Of many that were kept at once the first may be in batches by now.
	last := u.GetExtents()[max(at, 0):]
	return len(last) > 0 && slices.EqualFunc(last, added[len(added)-len(last):], func(a, b *recordv1.Extent) bool {
		return string(a.GetBlobId()) == string(b.GetBlobId())
	})
}

// keep returns the upload with more extents, and the writes beside its own.
func (n *Namespace) keep(
	u upload, req *ledgerv1.KeepExtentsRequest, added []*recordv1.Extent,
) (*recordv1.Upload, []table.Write, error) {
	staying := len(u.GetExtents()) - int(req.GetReplacedCount())
	switch {
	case u.GetState() != recordv1.Upload_OPEN:
		return nil, nil, fault.New(errorsv1.Reason_REASON_CONFLICT, "%s is complete", u.name)
	case req.GetOffsetBytes() != u.GetOffset():
		return nil, nil, offsetMismatch(u, req.GetOffsetBytes())
	case req.GetReplacedCount() < 0 || staying < 0 || req.GetReplacedCount() > 0 && len(added) == 0:
		return nil, nil, fault.Invalidf("replaced_count", "must be of extents that there are")
	case len(without(u.GetPending(), added)) != len(u.GetPending())-len(added):
		return nil, nil, fault.Invalidf("extents", "name a blob that was not given out")
	}
	replaced := u.GetExtents()[staying:]
	growth := totalLength(added) - totalLength(replaced)
	if growth < 0 || len(replaced) > 0 && added[0].GetLength() < totalLength(replaced) {
		return nil, nil, fault.Invalidf("extents", "have fewer bytes than those that they replace")
	}
	next := clone(u.Upload)
	next.Offset += growth
	if err := fits(next); err != nil {
		return nil, nil, err
	}
	next.Extents = append(next.GetExtents()[:staying], added...)
	next.Pending = without(next.GetPending(), added)
	if req.GetMore() {
		next.Pending = append(next.GetPending(), newBlob())
	}
	if len(added) > 0 {
		next.Sha256State = req.GetSha256State()
		next.DigestUnknown = len(req.GetSha256State()) == 0
		next.ExpireMicros = n.now() + n.config.UploadExpiry.Microseconds()
	}
	writes := n.dropContents(u.name.Space, nil, replaced)
	for len(next.GetExtents()) > maxUploadExtents {
		writes = append(writes, putBatch(u.name.Space, u.listID(), next.GetBatches(), next.GetExtents()[:batchExtents]))
		next.Batches++
		next.Extents = next.GetExtents()[batchExtents:]
	}
	return next, writes, nil
}

// fits returns an error when an upload has more bytes than it may.
func fits(u *recordv1.Upload) error {
	if u.Length != nil && u.GetOffset() > u.GetLength() {
		return fault.Invalidf("size_bytes", "%d bytes were declared and more came", u.GetLength())
	}
	if u.GetOffset() > maxFileBytes {
		return tooLarge()
	}
	return nil
}

// kept returns how far an upload is, to who holds it.
func (u upload) kept(more bool) (*ledgerv1.KeepExtentsResponse, error) {
	status, err := u.status()
	response := &ledgerv1.KeepExtentsResponse{Status: status, Tail: extents(u.GetExtents())}
	if pending := u.GetPending(); more && len(pending) > 0 {
		response.BlobId = record.BlobText(pending[len(pending)-1])
	}
	return response, err
}

func (n *Namespace) openUploadGrant(sealed []byte) (*recordv1.UploadGrant, error) {
	payload, err := n.key.Open(uploadGrantPurpose, sealed)
	if err != nil {
		return nil, fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED, "the grant is not ours")
	}
	grant := new(recordv1.UploadGrant)
	if err := proto.Unmarshal(payload, grant); err != nil {
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "grant cannot be decoded")
	}
	return grant, nil
}
