package namespace

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/mediatype"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// maxFileBytes is the size of the largest file: 5 TiB.
const maxFileBytes = 5 << 40

const grantPurpose = "grant"

// Begin decides whether an upload may happen and writes its intent: a job that
// will delete the blob unless the commit takes it away.
func (n *Namespace) Begin(ctx context.Context, req *ledgerv1.BeginRequest) (*ledgerv1.BeginResponse, error) {
	spec := req.GetSpec()
	if spec.GetSizeBytes() < 0 {
		return nil, fault.Invalidf("size_bytes", "must not be negative")
	}
	if spec.GetSizeBytes() > maxFileBytes {
		return nil, fault.New(errorsv1.Reason_REASON_TOO_LARGE, "files are at most %d bytes long", int64(maxFileBytes))
	}
	p, err := access.Of(ctx)
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, spec)
	if err != nil {
		return nil, err
	}
	if response, err := n.replay(ctx, r); response != nil || err != nil {
		return response, err
	}
	grant, h, err := n.aim(ctx, spec)
	if err == nil {
		err = checkWrite(spec.GetCondition(), grant.GetCurrent())
	}
	if err != nil {
		// Made twice at once, a request may meet what it has itself done.
		if response, replayErr := n.replay(ctx, r); response != nil && replayErr == nil {
			return response, nil
		}
		return nil, err
	}
	if grant.ContentType, err = mediatype.Of(spec.GetContentType(), grant.GetDisplayName()); err != nil {
		return nil, err
	}
	most, err := n.admit(ctx, h, contentsOf(spec, grant))
	if err != nil {
		return nil, err
	}
	if spec.GetCondition() != nil {
		if grant.Condition, err = proto.Marshal(spec.GetCondition()); err != nil {
			return nil, err
		}
	}
	blob := uuid.Must(uuid.NewV7())
	grant.BlobId = blob[:]
	grant.NewNode = record.NewID()
	grant.Principal, grant.Identity = r.principal, identity(p)
	grant.RequestId, grant.Fingerprint = r.id, r.fingerprint
	grant.BeginMicros = n.now()
	grant.ExpireMicros = grant.GetBeginMicros() + n.config.UploadLifetime.Microseconds()
	intent, key := newJob(&recordv1.Job{
		Kind: recordv1.Job_BLOBS, Intent: true, Space: grant.GetSpace(),
		BlobIds: [][]byte{blob[:]}, DueMicros: grant.GetExpireMicros(),
	}, blob.String())
	grant.IntentPartition, grant.IntentSort = key.Partition, key.Sort
	sealed, err := proto.Marshal(grant)
	if err != nil {
		return nil, err
	}
	if err := n.table.Commit(ctx, []table.Write{intent}); err != nil {
		return nil, err
	}
	return &ledgerv1.BeginResponse{
		Grant:      n.key.Seal(grantPurpose, sealed),
		BlobId:     blob.String(),
		ExpireTime: timestamppb.New(time.UnixMicro(grant.GetExpireMicros())),

		MaxSizeBytes:  most.bytes,
		MaxSizeReason: most.reason,
	}, nil
}

// replay returns the outcome of an upload whose request id was used before, nil
// when it was not.
func (n *Namespace) replay(ctx context.Context, r request) (*ledgerv1.BeginResponse, error) {
	first, err := n.outcome(ctx, r)
	if err != nil || first == nil {
		return nil, err
	}
	response := new(storagev1.UploadResponse)
	if err := proto.Unmarshal(first.GetResponse(), response); err != nil {
		return nil, err
	}
	return &ledgerv1.BeginResponse{Replay: &ledgerv1.Replay{
		Response: response, Sha256: first.GetContentSha256(), SizeBytes: first.GetContentBytes(),
	}}, nil
}

// aim finds out what an upload is to write to: a grant with its target, and the
// head of a moment at which it was so.
func (n *Namespace) aim(ctx context.Context, spec *storagev1.UploadSpec) (*recordv1.Grant, head, error) {
	grant, h, err := n.aimAt(ctx, spec)
	if err != nil {
		return nil, head{}, err
	}
	grant.SpaceCreateMicros = h.space.GetCreateMicros()
	return grant, h, nil
}

func (n *Namespace) aimAt(ctx context.Context, spec *storagev1.UploadSpec) (*recordv1.Grant, head, error) {
	switch target := spec.GetTarget().(type) {
	case *storagev1.UploadSpec_File:
		return n.aimAtFile(ctx, target.File)
	case *storagev1.UploadSpec_Child:
		return n.aimAtChild(ctx, target.Child)
	case *storagev1.UploadSpec_Path:
		return n.aimAtPath(ctx, target.Path)
	}
	return nil, head{}, fault.Invalidf("spec", "must have a target: file, child or path")
}

func (n *Namespace) aimAtFile(ctx context.Context, target string) (*recordv1.Grant, head, error) {
	name, err := resource.ParseFile("file", target)
	if err != nil {
		return nil, head{}, err
	}
	node, h, err := n.node(ctx, name)
	if err != nil {
		return nil, head{}, err
	}
	if node.GetState() != recordv1.Node_LIVE {
		return nil, head{}, fault.New(errorsv1.Reason_REASON_CONFLICT, "%s is in the trash", name)
	}
	if node.GetKind() != recordv1.Node_FILE {
		return nil, head{}, fault.Invalidf("file", "is a folder and has no contents")
	}
	return &recordv1.Grant{
		Space: name.Space, Node: name.ID, Folder: node.GetFolder(), DisplayName: node.GetDisplayName(), Current: node,
	}, h, nil
}

func (n *Namespace) aimAtChild(ctx context.Context, target *storagev1.ChildTarget) (*recordv1.Grant, head, error) {
	folder, err := resource.ParseFile("folder", target.GetFolder())
	if err != nil {
		return nil, head{}, err
	}
	name, err := resource.DisplayName("display_name", target.GetDisplayName())
	if err != nil {
		return nil, head{}, err
	}
	var there *recordv1.Node
	h, err := n.under(ctx, folder, func() (err error) {
		there, err = n.entry(ctx, folder.Space, folder.ID, name)
		return err
	})
	if err != nil {
		return nil, head{}, err
	}
	grant := &recordv1.Grant{Space: folder.Space, Folder: folder.ID, DisplayName: name}
	return grant, h, n.aimAtEntry(grant, there)
}

func (n *Namespace) aimAtPath(ctx context.Context, target *storagev1.PathTarget) (*recordv1.Grant, head, error) {
	in, err := resource.ParseSpace("space", target.GetSpace())
	if err != nil {
		return nil, head{}, err
	}
	names, err := resource.Path("path", target.GetPath())
	if err != nil {
		return nil, head{}, err
	}
	if len(names) == 0 {
		return nil, head{}, fault.Invalidf("path", "is that of the root folder")
	}
	at, err := n.walk(ctx, in, names)
	if err != nil {
		return nil, head{}, err
	}
	if at.blocked {
		return nil, head{}, pathThroughFile()
	}
	grant := &recordv1.Grant{Space: in, Folder: at.folder, DisplayName: at.name, MissingFolders: at.missing}
	return grant, at.head, n.aimAtEntry(grant, at.node)
}

// aimAtEntry completes a grant with what there is under its name.
func (n *Namespace) aimAtEntry(grant *recordv1.Grant, there *recordv1.Node) error {
	if there == nil || !visible(there, n.now()) {
		return nil
	}
	if there.GetKind() != recordv1.Node_FILE {
		return nameOfFolder(there.GetDisplayName())
	}
	grant.Current = there
	return nil
}

func nameOfFolder(name string) error {
	return fault.New(errorsv1.Reason_REASON_ALREADY_EXISTS, "%q is a folder", name)
}

func pathThroughFile() error {
	return fault.New(errorsv1.Reason_REASON_CONFLICT, "the path leads through a file")
}

// Abandon gives the intent of an upload up: it goes when the caller knows that
// there is no blob nor will be, and else becomes due at once. A blob store may
// still carry out what it was asked for, so the blobs go once more after the grace.
func (n *Namespace) Abandon(ctx context.Context, req *ledgerv1.AbandonRequest) (*ledgerv1.AbandonResponse, error) {
	grant, err := n.openGrant(req.GetGrant())
	if err != nil {
		return nil, err
	}
	key := table.Key{Partition: grant.GetIntentPartition(), Sort: grant.GetIntentSort()}
	writes := []table.Write{table.Delete(key, table.IfTag(intentTag(grant)))}
	if !req.GetBlobAbsent() {
		writes = append(writes, dropPending(grant.GetSpace(), granted(grant), n.now())...)
	}
	err = n.table.Commit(ctx, writes)
	if conflict := (*table.ConditionError)(nil); errors.As(err, &conflict) {
		err = nil // committed, abandoned or claimed before
	}
	return new(ledgerv1.AbandonResponse), err
}

func (n *Namespace) openGrant(sealed []byte) (*recordv1.Grant, error) {
	payload, err := n.key.Open(grantPurpose, sealed)
	if err != nil {
		return nil, fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED, "the grant is not ours")
	}
	grant := new(recordv1.Grant)
	if err := proto.Unmarshal(payload, grant); err != nil {
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "grant cannot be decoded")
	}
	return grant, nil
}

// checkWrite returns PRECONDITION_FAILED when a write condition does not hold
// for the file that there is, or nil for none (RFC 9110, section 13.2.2).
func checkWrite(c *storagev1.WriteCondition, current *recordv1.Node) error {
	failed := func(why string) error {
		return fault.New(errorsv1.Reason_REASON_PRECONDITION_FAILED, "%s", why)
	}
	if current == nil {
		if c.GetPresent() || len(c.GetRevisions()) > 0 || c.GetUnmodifiedSinceTime() != nil {
			return failed("the file does not exist")
		}
		return nil
	}
	revision := current.GetRevision()
	if len(c.GetRevisions()) > 0 && !slices.Contains(c.GetRevisions(), revision.GetId()) {
		return failed("the file has another revision")
	}
	if t := c.GetUnmodifiedSinceTime(); t != nil && len(c.GetRevisions()) == 0 && !c.GetPresent() &&
		revision.GetModifySeconds() > t.GetSeconds() {
		return failed("the file was changed since")
	}
	if c.GetAbsent() {
		return failed("the file exists")
	}
	if slices.Contains(c.GetNotRevisions(), revision.GetId()) {
		return failed("the file has this revision")
	}
	return nil
}
