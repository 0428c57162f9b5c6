package namespace

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	// maxClientMetadataBytes bounds what a client says about its upload.
	maxClientMetadataBytes = 4 << 10
	// maxParts bounds the uploads that one joins: the commit that joins them
	// changes each, and its lists, within the table's bound.
	maxParts = 25
)

// OpenUpload decides whether a resumable upload may begin and writes it, with
// the job that collects it when its time is over. A repetition returns it as it
// has become since; NOT_FOUND or EXPIRED when it is gone.
func (n *Namespace) OpenUpload(
	ctx context.Context, req *ledgerv1.OpenUploadRequest,
) (*ledgerv1.OpenUploadResponse, error) {
	spec := req.GetUpload()
	in, err := resource.ParseSpace("parent", spec.GetParent())
	if err != nil {
		return nil, err
	}
	if err := checkUpload(spec, req.GetParts()); err != nil {
		return nil, err
	}
	if err := within(in, spec, req.GetParts()); err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, spec)
	if err != nil {
		return nil, err
	}
	caller, err := access.Of(ctx)
	if err != nil {
		return nil, err
	}
	if r.id != "" && len(req.GetParts()) > 0 {
		sum := sha256.Sum256([]byte(string(r.fingerprint) + strings.Join(req.GetParts(), "\x00")))
		r.fingerprint = sum[:]
	}
	var charged, slots []table.Write
	var charges charges
	var opened resource.Upload
	slot := quota.NewSlot(r.principal, n.config.MaxOpenUploads)
	failed := func(conflict *table.ConditionError) {
		charges.failed(conflict, 0, len(charged))
		if len(slots) > 0 && conflict.FailedAt(len(charged)) {
			slot.Missed()
		}
	}
	status, err := mutateTelling(ctx, n, r, new(storagev1.UploadStatus), failed, func() ([]table.Write, *storagev1.UploadStatus, error) {
		h, err := n.head(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		u := upload{name: resource.Upload{Space: in, ID: record.NewID()}}
		opened = u.name
		now := n.now()
		u.Upload = &recordv1.Upload{
			Id: u.name.ID, State: recordv1.Upload_OPEN, Principal: r.principal,
			SpaceCreateMicros: h.space.GetCreateMicros(), Length: spec.SizeBytes, Sha256: spec.GetSha256(),
			ClientMetadata: spec.GetClientMetadata(), Partial: spec.GetPartial(), HeldOpen: spec.GetHoldOpen(),
			CreateMicros: now, ExpireMicros: now + n.config.UploadExpiry.Microseconds(),
		}
		if u.Target, err = n.aimUpload(ctx, u, spec); err != nil {
			return nil, nil, err
		}
		if err := checkType(h, u.Upload); err != nil {
			return nil, nil, err
		}
		u.ReservedBytes = u.GetLength()
		if charged, err = charges.take(ctx, n, h, u.Upload, reserved(u.Upload)); err != nil {
			return nil, nil, err
		}
		if slots, err = n.takeSlot(slot, u.Upload); err != nil {
			return nil, nil, err
		}
		u.Target.Principal, u.Target.Identity = r.principal, identity(caller)
		parts, err := n.claimParts(ctx, u, req.GetParts())
		if err != nil {
			return nil, nil, err
		}
		job, _ := newJob(&recordv1.Job{
			Kind: recordv1.Job_UPLOAD, Space: in, Node: u.name.ID, DueMicros: u.GetExpireMicros(),
		}, record.NewID())
		head := table.Put(record.Item(record.Upload(in, u.name.ID), record.NewEtag(), u.Upload), table.IfAbsent)
		status, err := u.status()
		return slices.Concat(charged, slots, parts, []table.Write{head, job}), status, err
	})
	if name := status.GetUpload().GetName(); err == nil && name != opened.String() {
		status, err = n.reopened(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	return &ledgerv1.OpenUploadResponse{Status: status}, nil
}

// reopened returns how far an upload is that an earlier request of the same id
// opened. What that was told is no longer so once bytes came.
func (n *Namespace) reopened(ctx context.Context, name string) (*storagev1.UploadStatus, error) {
	u, err := n.upload(ctx, name)
	if err != nil {
		return nil, err
	}
	return n.shown(ctx, u)
}

// checkType returns UNSUPPORTED_MEDIA for an upload of a type that the space does
// not take. A partial one has no type.
func checkType(h head, u *recordv1.Upload) error {
	if u.GetPartial() {
		return nil
	}
	return quota.CheckType(h.space.GetQuota(), u.GetTarget().GetContentType())
}

// takeSlot returns the write that takes a slot for an upload, if there is a bound.
// RATE_LIMITED when there is none left.
func (n *Namespace) takeSlot(slot *quota.Slot, u *recordv1.Upload) ([]table.Write, error) {
	if n.config.MaxOpenUploads == 0 {
		return nil, nil
	}
	taken, err := slot.Take()
	if err != nil {
		return nil, err
	}
	u.Slot = proto.Int32(slot.Shard())
	return []table.Write{taken}, nil
}

// checkUpload returns INVALID_ARGUMENT for what no upload can be.
func checkUpload(spec *storagev1.CreateUploadRequest, parts []string) error {
	sorted := slices.Clone(parts)
	slices.Sort(sorted)
	switch {
	case spec.GetSizeBytes() < 0:
		return fault.Invalidf("size_bytes", "must not be negative")
	case spec.GetSizeBytes() > maxFileBytes:
		return tooLarge()
	case len(spec.GetClientMetadata()) > maxClientMetadataBytes:
		return fault.Invalidf("client_metadata", "must not be longer than %d bytes", maxClientMetadataBytes)
	case len(spec.GetSha256()) != 0 && len(spec.GetSha256()) != sha256.Size:
		return fault.Invalidf("sha256", "must have %d bytes", sha256.Size)
	case len(parts) > maxParts:
		return fault.Invalidf("parts", "must not be more than %d", maxParts)
	case len(slices.Compact(sorted)) != len(parts):
		return fault.Invalidf("parts", "must be named once each")
	case len(parts) > 0 && (spec.SizeBytes != nil || spec.GetPartial() || len(spec.GetSha256()) > 0):
		return fault.Invalidf("upload", "one that joins others has neither length nor digest of its own, nor is it a part")
	}
	return nil
}

func tooLarge() error {
	return fault.New(errorsv1.Reason_REASON_TOO_LARGE, "files are at most %d bytes long", int64(maxFileBytes))
}
