package namespace

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// FinishUpload makes a whole upload visible. One commit gives the file its
// revision and leaves the outcome in the upload, for every repetition. One that
// joins others stays open until all of them are complete.
func (n *Namespace) FinishUpload(
	ctx context.Context, req *ledgerv1.FinishUploadRequest,
) (*ledgerv1.FinishUploadResponse, error) {
	grant, err := n.openUploadGrant(req.GetGrant())
	if err != nil {
		return nil, err
	}
	u, err := n.finish(ctx, func() (upload, error) {
		u, err := n.granted(ctx, grant)
		if err == nil && len(u.GetParts()) == 0 && req.GetSizeBytes() != u.GetOffset() {
			err = offsetMismatch(u, req.GetSizeBytes())
		}
		return u, err
	})
	if err != nil {
		return nil, err
	}
	if whole := u.GetWhole(); whole != "" && u.GetState() == recordv1.Upload_COMPLETE {
		n.finishWhole(ctx, resource.Upload{Space: u.name.Space, ID: whole})
	}
	status, err := n.shown(ctx, u)
	if err != nil {
		return nil, err
	}
	return &ledgerv1.FinishUploadResponse{Status: status}, nil
}

// finish completes the upload that read returns, and returns it as it is then.
func (n *Namespace) finish(ctx context.Context, read func() (upload, error)) (upload, error) {
	var c commit
	for attempt := range maxAttempts {
		u, err := read()
		if err != nil || u.GetState() != recordv1.Upload_OPEN {
			return u, err
		}
		c = commit{n: n, grant: u.GetTarget(), now: n.now(), charges: c.charges}
		done, writes, err := n.finished(ctx, u, &c)
		if err == nil && done == nil && writes == nil {
			return u, nil // parts are missing
		}
		if err == nil {
			err = n.table.Commit(ctx, writes)
		}
		conflict := (*table.ConditionError)(nil)
		switch {
		case err == nil && done != nil:
			return upload{name: u.name, Upload: done}, nil
		case err != nil && !errors.Is(err, errUnsettled) && !errors.As(err, &conflict):
			return u, err
		}
		if conflict != nil {
			c.charges.failed(conflict, 0, c.charged)
		}
		if err := pause(ctx, attempt); err != nil {
			return u, err
		}
	}
	return upload{}, contended()
}

// finished returns the upload as it is when it is complete, and the writes that
// make it so. No upload with writes means that more is to be done afterwards,
// and neither, that it cannot be completed yet.
func (n *Namespace) finished(ctx context.Context, u upload, c *commit) (*recordv1.Upload, []table.Write, error) {
	joined, err := n.contents(ctx, u)
	if err != nil || joined == nil {
		return nil, nil, err
	}
	if u.Length != nil && u.GetLength() != joined.revision.GetSizeBytes() {
		return nil, nil, fault.New(errorsv1.Reason_REASON_CONFLICT, "%d bytes are missing", u.GetLength()-u.GetOffset())
	}
	if want := u.GetSha256(); len(want) != 0 && string(want) != string(joined.revision.GetSha256()) {
		e := fault.New(errorsv1.Reason_REASON_DIGEST_MISMATCH, "sha256: %x was announced, the contents have %x",
			want, joined.revision.GetSha256())
		e.Metadata = map[string]string{"field": "sha256"}
		return nil, nil, e
	}
	done := clone(u.Upload)
	done.Pending = nil
	done.Offset = joined.revision.GetSizeBytes()
	done.Length = proto.Int64(done.GetOffset())
	done.State = recordv1.Upload_COMPLETE
	done.ExpireMicros = n.now() + n.config.UploadExpiry.Microseconds()
	done.Slot = nil
	beside := append(giveSlot(u.Upload), dropPending(u.name.Space, u.GetPending(), n.now())...)
	if u.GetPartial() {
		return done, append(beside, u.put(done)), nil
	}
	done.Extents, done.Batches, done.Sha256State = nil, 0, nil
	done.ReservedBytes, done.ReservedFiles = 0, 0

	c.contents, c.reserved = joined.revision, joined.reserved
	if err := proto.Unmarshal(u.GetTarget().GetCondition(), &c.condition); err != nil {
		return nil, nil, err
	}
	if err := c.placeUpload(ctx, u); err != nil {
		return nil, nil, err
	}
	writes, err := c.charge(ctx)
	if err != nil {
		return nil, nil, err
	}
	c.charged = len(writes)
	if many := c.charges.spread || len(u.GetParts()) > 0; many && len(c.missing) > 0 || len(c.missing) > foldersPerCommit {
		folders, _ := c.makeFolders(c.missing[:min(len(c.missing), foldersPerCommit)])
		return nil, folders, nil
	}
	node, placed := c.revise()
	outcome := &storagev1.UploadResponse{File: file(u.name.Space, node), Created: c.current == nil}
	if done.Outcome, err = proto.Marshal(outcome); err != nil {
		return nil, nil, fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "outcome of %s", u.name)
	}
	writes = append(writes, u.put(done))
	writes = append(writes, beside...)
	writes = append(writes, placed...)
	writes = append(writes, joined.writes...)
	writes = append(writes, putOwners(u.name.Space, node.GetId(), joined.revision)...)
	if len(joined.revision.GetSha256()) == 0 {
		digest, _ := newJob(&recordv1.Job{
			Kind: recordv1.Job_DIGEST, Space: u.name.Space, Node: node.GetId(),
			BlobIds: [][]byte{u.listID()}, DueMicros: n.now(),
		}, record.NewID())
		writes = append(writes, digest)
	}
	return done, writes, nil
}

// placeUpload finds out where the file goes, in the space that the upload was
// opened in and no other of its id, and checks the condition.
func (c *commit) placeUpload(ctx context.Context, u upload) error {
	h, err := c.n.head(ctx, u.name.Space)
	if err != nil {
		return err
	}
	if h.space.GetCreateMicros() != u.GetSpaceCreateMicros() {
		return notFound(resource.SpaceName(u.name.Space))
	}
	who := u.GetTarget().GetIdentity()
	if err := c.n.stillAllowed(ctx, who, u.name.Space, access.Writer); err != nil {
		return err
	}
	if err := c.place(ctx, false); err != nil {
		return err
	}
	return checkWrite(&c.condition, c.current)
}

// digestOf returns the SHA-256 of an upload's bytes, nil when it is not known.
func digestOf(u *recordv1.Upload) []byte {
	h := sha256.New()
	if u.GetOffset() > 0 {
		state, ok := h.(encoding.BinaryUnmarshaler)
		if !ok || u.GetDigestUnknown() || state.UnmarshalBinary(u.GetSha256State()) != nil {
			return nil
		}
	}
	return h.Sum(nil)
}
