package ledgertest

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Begin writes an intent.
func (l *Ledger) Begin(ctx context.Context, req *ledgerv1.BeginRequest) (*ledgerv1.BeginResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	spec := req.GetSpec()
	if replay := l.replays[spec.GetRequestId()]; replay != nil {
		return &ledgerv1.BeginResponse{Replay: proto.CloneOf(replay)}, nil
	}
	f, _, err := l.find(spec)
	if err != nil {
		return nil, err
	}
	if !holds(spec.GetCondition(), f) {
		return nil, refused(errorsv1.Reason_REASON_PRECONDITION_FAILED)
	}
	i := &intent{blob: uuid.Must(uuid.NewV7()), spec: proto.CloneOf(spec), expire: l.now().Add(intentLife)}
	grant := "grant of " + i.blob.String()
	l.intents[grant] = i
	return &ledgerv1.BeginResponse{
		Grant:      []byte(grant),
		BlobId:     i.blob.String(),
		ExpireTime: timestamppb.New(i.expire),
	}, nil
}

// Extend adds a blob to an intent.
func (l *Ledger) Extend(ctx context.Context, req *ledgerv1.ExtendRequest) (*ledgerv1.ExtendResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	grant := string(req.GetGrant())
	i := l.intents[grant]
	if i == nil {
		// Extended by this grant before?
		for longer, j := range l.intents {
			if strings.TrimSuffix(longer, "+") == grant {
				return &ledgerv1.ExtendResponse{Grant: []byte(longer), BlobId: j.more[len(j.more)-1].String()}, nil
			}
		}
		return nil, refused(errorsv1.Reason_REASON_EXPIRED)
	}
	delete(l.intents, grant)
	i.more = append(i.more, uuid.Must(uuid.NewV7()))
	grant += "+"
	l.intents[grant] = i
	return &ledgerv1.ExtendResponse{Grant: []byte(grant), BlobId: i.more[len(i.more)-1].String()}, nil
}

// Commit turns an intent into a revision.
func (l *Ledger) Commit(ctx context.Context, req *ledgerv1.CommitRequest) (*ledgerv1.CommitResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	grant := string(req.GetGrant())
	if done := l.outcomes[grant]; done != nil {
		return commitResponse(done), nil
	}
	i := l.intents[grant]
	if i == nil || !l.now().Before(i.expire) {
		return nil, refused(errorsv1.Reason_REASON_CONFLICT)
	}
	l.checkBytes(i, req)
	if replay := l.replays[i.spec.GetRequestId()]; replay != nil {
		l.retire(grant, i)
		if !bytes.Equal(replay.GetSha256(), req.GetSha256()) {
			return nil, refused(errorsv1.Reason_REASON_REQUEST_ID_REUSED)
		}
		return commitResponse(replay.GetResponse()), nil
	}
	f, place, err := l.find(i.spec)
	if err != nil {
		return nil, err
	}
	if !holds(i.spec.GetCondition(), f) {
		return nil, refused(errorsv1.Reason_REASON_PRECONDITION_FAILED)
	}
	outcome := l.apply(f, place, req)
	l.outcomes[grant] = outcome
	delete(l.intents, grant)
	if id := i.spec.GetRequestId(); id != "" {
		l.replays[id] = &ledgerv1.Replay{Response: outcome, Sha256: req.GetSha256(), SizeBytes: req.GetSizeBytes()}
	}
	return commitResponse(outcome), nil
}

// Abandon makes an intent due, or drops it when nothing is left to delete.
func (l *Ledger) Abandon(ctx context.Context, req *ledgerv1.AbandonRequest) (*ledgerv1.AbandonResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	grant := string(req.GetGrant())
	i := l.intents[grant]
	switch {
	case i == nil && l.outcomes[grant] == nil && !strings.HasPrefix(grant, "grant of "):
		l.tb.Errorf("ledgertest: %q abandoned, which is no grant", grant)
	case i == nil:
	case req.GetBlobAbsent():
		for _, id := range i.blobs() {
			if _, _, ok := l.store.Sum(id); ok {
				l.tb.Errorf("ledgertest: blob %v said to be absent is there", id)
			}
		}
		delete(l.intents, grant)
	default:
		l.retire(grant, i)
	}
	return &ledgerv1.AbandonResponse{}, nil
}

// retire makes a job of an intent, due at once.
func (l *Ledger) retire(grant string, i *intent) {
	delete(l.intents, grant)
	l.dropPending(texts(i.blobs())...)
}

// dropPending makes a job that deletes blobs that somebody may still be writing:
// at once, and once more after the grace.
func (l *Ledger) dropPending(blobs ...string) {
	if len(blobs) > 0 {
		id := "work/" + blobs[0]
		l.jobs[id] = &job{id: id, blobs: blobs, due: l.now(), again: true}
	}
}

func texts(ids []blob.ID) []string {
	var all []string
	for _, id := range ids {
		all = append(all, id.String())
	}
	return all
}

// checkBytes holds a commit against the order of bytes and record.
func (l *Ledger) checkBytes(i *intent, req *ledgerv1.CommitRequest) {
	l.tb.Helper()
	if req.GetSizeBytes() == 0 && len(req.GetExtents()) == 0 {
		return
	}
	blobs := i.blobs()
	if x := req.GetExtents(); len(x) != len(blobs) {
		l.tb.Errorf("ledgertest: commit of %v, want all of %d blobs", x, len(blobs))
		return
	}
	for k, x := range req.GetExtents() {
		size, _, ok := l.store.Sum(blobs[k])
		if !ok || x.GetBlobId() != blobs[k].String() || x.GetOffset() != 0 || x.GetLength() != size {
			l.tb.Errorf("ledgertest: commit of %v, want all %d bytes of blob %v", x, size, blobs[k])
		}
	}
	size, sum, ok := l.contents(req.GetExtents())
	if !ok || size != req.GetSizeBytes() || !bytes.Equal(sum[:], req.GetSha256()) {
		l.tb.Errorf("ledgertest: commit of %d bytes %x before the blobs have them (%d bytes %x)",
			req.GetSizeBytes(), req.GetSha256(), size, sum)
	}
}

// find returns the file that a spec is about, or nil, and its place.
func (l *Ledger) find(spec *storagev1.UploadSpec) (*file, string, error) {
	switch target := spec.GetTarget().(type) {
	case *storagev1.UploadSpec_File:
		if f := l.files[target.File]; f != nil {
			return f, "", nil
		}
	case *storagev1.UploadSpec_Child:
		place := target.Child.GetFolder() + "/" + target.Child.GetDisplayName()
		return l.places[place], place, nil
	case *storagev1.UploadSpec_Path:
		place := "/" + target.Path.GetPath()
		return l.places[place], place, nil
	}
	return nil, "", refused(errorsv1.Reason_REASON_NOT_FOUND)
}

func holds(c *storagev1.WriteCondition, f *file) bool {
	current := ""
	if f != nil {
		current = f.node.GetRevision()[strings.LastIndexByte(f.node.GetRevision(), '/')+1:]
	}
	switch {
	case c.GetAbsent() && f != nil, c.GetPresent() && f == nil:
		return false
	case len(c.GetRevisions()) != 0 && !slices.Contains(c.GetRevisions(), current):
		return false
	}
	return !slices.Contains(c.GetNotRevisions(), current)
}

// apply makes the revision and, when there is none yet, the file.
func (l *Ledger) apply(f *file, place string, req *ledgerv1.CommitRequest) *storagev1.UploadResponse {
	created := f == nil
	if created {
		f = &file{node: &metadatav1.File{Name: "spaces/s/files/" + newID(), Kind: metadatav1.File_FILE}}
		l.files[f.node.GetName()] = f
		l.places[place] = f
	}
	now := l.now()
	r := &revision{extents: req.GetExtents(), sha256: req.GetSha256(), modify: now.Unix()}
	if n := len(f.revisions); n > 0 {
		r.modify = max(r.modify, f.revisions[n-1].modify+1)
	}
	r.meta = &metadatav1.Revision{
		Name:       f.node.GetName() + "/revisions/" + newID(),
		SizeBytes:  req.GetSizeBytes(),
		Sha256:     hex.EncodeToString(req.GetSha256()),
		CreateTime: timestamppb.New(now),
	}
	f.revisions = append(f.revisions, r)
	f.node = proto.CloneOf(f.node)
	f.node.Revision, f.node.SizeBytes, f.node.Sha256 = r.meta.GetName(), r.meta.GetSizeBytes(), r.meta.GetSha256()
	return &storagev1.UploadResponse{File: f.node, Created: created}
}

func commitResponse(outcome *storagev1.UploadResponse) *ledgerv1.CommitResponse {
	return &ledgerv1.CommitResponse{File: proto.CloneOf(outcome.GetFile()), Created: outcome.GetCreated()}
}
