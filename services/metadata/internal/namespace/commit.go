package namespace

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// foldersPerCommit bounds the folders that are made together with a file; a
// deeper path is laid in several commits, from the outside in.
const foldersPerCommit = 40

// Commit makes an upload visible. The write that does so also takes the intent
// away, under the condition that it is still open, so an upload is committed
// once or collected, never both; a repeated Commit returns the first outcome.
func (n *Namespace) Commit(ctx context.Context, req *ledgerv1.CommitRequest) (*ledgerv1.CommitResponse, error) {
	grant, err := n.openGrant(req.GetGrant())
	if err != nil {
		return nil, err
	}
	access.ActFor(ctx, grant.GetPrincipal(), access.Kind(grant.GetIdentity().GetKind()))
	if err := n.stillAllowed(ctx, grant.GetIdentity(), grant.GetSpace(), access.Writer); err != nil {
		return nil, err
	}
	c := commit{n: n, grant: grant, now: n.now()}
	if err := c.takeContents(req); err != nil {
		return nil, err
	}
	if grant.GetCondition() != nil {
		if err := proto.Unmarshal(grant.GetCondition(), &c.condition); err != nil {
			return nil, err
		}
	}
	place := n.turns.enter()
	defer place.end()
	for attempt := range maxAttempts {
		// The first try relies on what Begin saw; the conditions tell if that has
		// changed, and then it is read again.
		c.collided = table.Key{}
		err := c.place(ctx, attempt == 0)
		var response *ledgerv1.CommitResponse
		if err == nil {
			response, err = c.write(ctx)
		}
		if err == nil && response != nil {
			return response, nil
		}
		if err != nil && !errors.Is(err, errUnsettled) {
			return c.orOurs(ctx, err)
		}
		if err := place.again(ctx, attempt, c.collided); err != nil {
			return nil, err
		}
	}
	return nil, contended()
}

// commit is one call of Commit.
type commit struct {
	n         *Namespace
	grant     *recordv1.Grant
	condition storagev1.WriteCondition
	contents  *recordv1.Revision
	now       int64

	folder  string         // of the name
	missing []string       // folders to make on the way
	current *recordv1.Node // the file to give a new revision, nil for a new file
	expired *recordv1.Node // the expired node whose name a new file takes
	head    head           // the space at the moment of all of this
	charges charges        // against the space's quota
	charged int            // writes that are charges

	collided table.Key // where the last attempt failed, if at an item

	reserved quota.Amount // for the contents, which are settled with it
}

// takeContents checks what was uploaded against the grant.
func (c *commit) takeContents(req *ledgerv1.CommitRequest) error {
	var extents []*recordv1.Extent
	total, blobs := int64(0), granted(c.grant)
	// Only empty contents have no blob.
	if n := len(req.GetExtents()); n != len(blobs) && (n != 0 || len(blobs) != 1) {
		return fault.Invalidf("extents", "are %d of %d blobs that were granted", n, len(blobs))
	}
	for i, extent := range req.GetExtents() {
		id, err := uuid.Parse(extent.GetBlobId())
		if err != nil || string(id[:]) != string(blobs[i]) {
			return fault.Invalidf("extents", "name a blob that was not granted")
		}
		if extent.GetLength() <= 0 || extent.GetOffset() < 0 {
			return fault.Invalidf("extents", "must have a length")
		}
		total += extent.GetLength()
		extents = append(extents, &recordv1.Extent{BlobId: id[:], Offset: extent.GetOffset(), Length: extent.GetLength()})
	}
	if total != req.GetSizeBytes() {
		return fault.Invalidf("size_bytes", "is %d but the extents have %d", req.GetSizeBytes(), total)
	}
	if len(req.GetSha256()) != 32 {
		return fault.Invalidf("sha256", "must have 32 bytes")
	}
	c.contents = &recordv1.Revision{
		SizeBytes: total, Sha256: req.GetSha256(), ContentType: c.grant.GetContentType(),
		Creator: c.grant.GetPrincipal(), Extents: extents, UploadId: c.grant.GetBlobId(),
	}
	return nil
}

// write carries the commit out. It returns nil without an error when what it
// relied on is no longer so.
func (c *commit) write(ctx context.Context) (*ledgerv1.CommitResponse, error) {
	if err := checkWrite(&c.condition, c.current); err != nil {
		return nil, err
	}
	if len(c.missing) > foldersPerCommit {
		return nil, c.lay(ctx, c.missing[:foldersPerCommit])
	}
	charged, err := c.charge(ctx)
	if err != nil {
		return nil, err
	}
	if c.charges.spread && len(c.missing) > 0 {
		// Many counters and many folders are too much for one commit.
		return nil, c.lay(ctx, c.missing)
	}
	intent := table.Key{Partition: c.grant.GetIntentPartition(), Sort: c.grant.GetIntentSort()}
	writes := []table.Write{table.Delete(intent, table.IfTag(intentTag(c.grant)))}
	writes = append(writes, charged...)
	node, placed := c.revise()
	writes = append(writes, placed...)
	response := &ledgerv1.CommitResponse{File: file(c.grant.GetSpace(), node), Created: c.current == nil}
	if c.grant.GetRequestId() != "" {
		kept, err := c.n.putOutcome(c.request(), &recordv1.Outcome{
			ContentSha256: c.contents.GetSha256(), ContentBytes: c.contents.GetSizeBytes(),
		}, &storagev1.UploadResponse{File: response.GetFile(), Created: response.GetCreated()})
		if err != nil {
			return nil, err
		}
		writes = append(writes, kept)
	}
	err = c.n.table.Commit(ctx, writes)
	conflict := (*table.ConditionError)(nil)
	switch {
	case err == nil:
		return response, nil
	case !errors.As(err, &conflict):
		return nil, err
	case conflict.FailedAt(0):
		return nil, errIntentGone
	case c.grant.GetRequestId() != "" && conflict.FailedAt(len(writes)-1):
		return c.firstOutcome(ctx)
	}
	c.charges.failed(conflict, 1, len(charged))
	c.collided = collision(writes, conflict)
	return nil, nil
}

// lay makes folders ahead of the file. That another upload has made them
// meanwhile is as good.
func (c *commit) lay(ctx context.Context, names []string) error {
	writes, _ := c.makeFolders(names)
	return ignoreConditions(c.n.table.Commit(ctx, writes))
}

// charge returns the writes that count the contents, after the bounds of the
// space that Begin checked: the contents may be others than announced, and the
// bounds too.
func (c *commit) charge(ctx context.Context) ([]table.Write, error) {
	allowed := c.head.space.GetQuota()
	if err := quota.CheckSize(allowed, c.contents.GetSizeBytes()); err != nil {
		return nil, err
	}
	if err := quota.CheckType(allowed, c.contents.GetContentType()); err != nil {
		return nil, err
	}
	added := quota.Amount{Bytes: c.contents.GetSizeBytes()}
	if c.current == nil {
		added.Files = 1
	}
	return c.charges.writes(ctx, c.n, c.head, quota.Settle(c.reserved, added))
}

// revise returns the file with the contents, and the writes.
func (c *commit) revise() (*recordv1.Node, []table.Write) {
	if c.current != nil {
		return c.overwrite()
	}
	return c.create()
}

// overwrite returns the file with its new revision, and the writes.
func (c *commit) overwrite() (*recordv1.Node, []table.Write) {
	space := c.grant.GetSpace()
	changed := c.n.changed(c.current)
	changed.Revision = clone(c.contents)
	c.n.succeed(changed.GetRevision(), c.current.GetRevision())
	return changed, append(replace(space, c.current, changed),
		putRevision(space, c.current.GetId(), c.current.GetRevision()))
}

// create returns the new file, and the writes, those of its missing folders
// included.
func (c *commit) create() (*recordv1.Node, []table.Write) {
	space := c.grant.GetSpace()
	writes, folder := c.makeFolders(c.missing)
	node := &recordv1.Node{
		Id: c.grant.GetNewNode(), Folder: folder, DisplayName: c.grant.GetDisplayName(),
		Kind: recordv1.Node_FILE, State: recordv1.Node_LIVE, Etag: record.NewEtag(),
		CreateMicros: c.now, UpdateMicros: c.now, Creator: c.grant.GetPrincipal(),
		Revision: clone(c.contents),
	}
	c.n.succeed(node.GetRevision(), nil)
	return node, append(writes,
		putEntry(space, node, freeName(c.expired)),
		putNode(space, node, table.IfAbsent))
}

// makeFolders returns the writes of folders within each other, and the id of
// the innermost one.
func (c *commit) makeFolders(names []string) ([]table.Write, string) {
	var writes []table.Write
	folder := c.folder
	for _, name := range names {
		made := c.n.newFolder(c.grant.GetPrincipal(), folder, name)
		writes = append(writes,
			putEntry(c.grant.GetSpace(), made, table.IfAbsent),
			putNode(c.grant.GetSpace(), made, table.IfAbsent))
		folder = made.GetId()
	}
	return writes, folder
}

func (c *commit) request() request {
	return request{
		principal: c.grant.GetPrincipal(), id: c.grant.GetRequestId(), fingerprint: c.grant.GetFingerprint(),
	}
}

// firstOutcome returns the outcome of the same request made twice at once, if
// that was with the same contents. Ours are not needed then; the intent stays
// and the sweeper collects them.
func (c *commit) firstOutcome(ctx context.Context) (*ledgerv1.CommitResponse, error) {
	first, err := c.first(ctx)
	if first == nil && err == nil {
		err = c.n.dropExpiredOutcome(ctx, c.request())
	}
	return first, err
}

// first returns what the request has come to already, nil when to nothing;
// REQUEST_ID_REUSED when that was with other contents.
func (c *commit) first(ctx context.Context) (*ledgerv1.CommitResponse, error) {
	first, err := c.n.replay(ctx, c.request())
	if err != nil || first == nil {
		return nil, err
	}
	if string(first.GetReplay().GetSha256()) != string(c.contents.GetSha256()) {
		return nil, requestIDReused()
	}
	response := first.GetReplay().GetResponse()
	return &ledgerv1.CommitResponse{File: response.GetFile(), Created: response.GetCreated()}, nil
}

func ignoreConditions(err error) error {
	if conflict := (*table.ConditionError)(nil); errors.As(err, &conflict) {
		return nil
	}
	return err
}

var errIntentGone = fault.New(errorsv1.Reason_REASON_EXPIRED, "the upload took too long, or was given up")
