package namespace

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	signPurpose         = "signed-file"
	defaultSignLifetime = 15 * time.Minute
	maxSignLifetime     = 7 * 24 * time.Hour
	// claimSignLifetime is for those whose right comes from a claim of a token: the
	// link outlives the token, and nobody asks the issuer again.
	claimSignLifetime = time.Hour
)

// LocateShared returns where the contents are that a link leads to. The link is
// the credential, so it is looked at here and nowhere else.
func (n *Namespace) LocateShared(
	ctx context.Context, req *ledgerv1.LocateSharedRequest,
) (*ledgerv1.LocateSharedResponse, error) {
	if _, ok := req.GetSource().(*ledgerv1.LocateSharedRequest_Signed); ok {
		return n.locateSigned(ctx, req.GetSigned())
	}
	o, err := n.open(ctx, req.GetShared())
	if err != nil {
		return nil, err
	}
	node, err := n.shared(ctx, o, req.GetShared().GetPath())
	if err != nil {
		return nil, err
	}
	if node.GetKind() != recordv1.Node_FILE {
		return nil, fault.Invalidf("path", "leads to a folder, which has no contents")
	}
	bounded := o.share.GetMaxDownloads() != 0
	if bounded && !req.GetHeaderOnly() {
		if err := n.countDownload(ctx, o.share); err != nil {
			return nil, err
		}
	}
	name := resource.File{Space: o.at.Space, ID: node.GetId()}
	found, err := n.anonymous(ctx, name, node, node.GetRevision())
	return &ledgerv1.LocateSharedResponse{Located: found, Whole: bounded}, err
}

// anonymous says where contents are without telling whose they are: who has a
// link need not know more of its file than a browser shows.
func (n *Namespace) anonymous(
	ctx context.Context, name resource.File, node *recordv1.Node, found *recordv1.Revision,
) (*ledgerv1.LocateResponse, error) {
	all, err := n.located(ctx, name, node, found)
	if err != nil {
		return nil, err
	}
	all.File = &metadatav1.File{DisplayName: node.GetDisplayName(), Kind: metadatav1.File_FILE}
	all.Revision.Name, all.Revision.Creator = "revisions/"+found.GetId(), ""
	return all, nil
}

// countDownload counts a download before its first byte goes out, in one write
// with the bound and that the link is still there. One that is cut off counts:
// nobody can tell what its client has got.
func (n *Namespace) countDownload(ctx context.Context, s *recordv1.Share) error {
	err := n.table.Commit(ctx, []table.Write{
		table.Check(record.Link(s.GetTokenHash()), table.IfPresent),
		table.Increase(record.LinkCount(s.GetTokenHash()),
			table.Add{Name: shareDownloads, Delta: -1, Floor: -s.GetMaxDownloads()}),
	})
	if conflict := (*table.ConditionError)(nil); errors.As(err, &conflict) {
		return errNoLink
	}
	return err
}

// SignFile returns a link to the contents of a file.
func (n *Namespace) SignFile(ctx context.Context, req *metadatav1.SignFileRequest) (*metadatav1.SignFileResponse, error) {
	name, err := resource.ParseFile("name", req.GetName())
	if err != nil {
		return nil, err
	}
	expire := n.now() + defaultSignLifetime.Microseconds()
	if t := req.GetExpireTime(); t != nil {
		expire = micros(t)
		if n.checkExpiry("expire_time", t) != nil || expire > n.now()+maxSignLifetime.Microseconds() {
			return nil, fault.Invalidf("expire_time", "must be within the next %v", maxSignLifetime)
		}
	}
	who, err := access.Of(ctx)
	if err != nil {
		return nil, err
	}
	if expire > n.now()+claimSignLifetime.Microseconds() {
		claimed, err := n.byClaim(ctx, who, name.Space)
		if err != nil {
			return nil, err
		}
		if claimed {
			return nil, fault.Invalidf("expire_time", "must be within the next %v for who is no member himself", claimSignLifetime)
		}
	}
	signed := &recordv1.SignedFile{
		Identity: identity(who), Space: name.Space, Node: name.ID, Revision: req.GetRevision(),
		ExpireMicros: expire, Attachment: req.GetAttachment(),
	}
	if _, _, err := n.signedContents(ctx, signed); err != nil {
		return nil, err
	}
	payload, err := proto.Marshal(signed)
	if err != nil {
		return nil, err
	}
	return &metadatav1.SignFileResponse{
		Uri:        "/d/" + base64.RawURLEncoding.EncodeToString(n.key.Hide(signPurpose, payload)),
		ExpireTime: timestamppb.New(time.UnixMicro(expire)),
	}, nil
}

// signedContents returns the node and the revision that a signed link leads to.
func (n *Namespace) signedContents(
	ctx context.Context, signed *recordv1.SignedFile,
) (*recordv1.Node, *recordv1.Revision, error) {
	name := resource.File{Space: signed.GetSpace(), ID: signed.GetNode()}
	node, _, err := n.node(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if node.GetState() != recordv1.Node_LIVE {
		return nil, nil, notFound(name.String())
	}
	if node.GetKind() != recordv1.Node_FILE {
		return nil, nil, fault.Invalidf("name", "is a folder and has no contents")
	}
	if signed.GetRevision() == "" {
		return node, node.GetRevision(), nil
	}
	if !resource.ValidID(signed.GetRevision()) {
		return nil, nil, notFound(name.String() + "/revisions/" + signed.GetRevision())
	}
	found, _, err := n.revision(ctx, resource.Revision{File: name, Revision: signed.GetRevision()}, node)
	return node, found, err
}

// locateSigned follows a signed link. Whatever is wrong with it, it leads
// nowhere.
func (n *Namespace) locateSigned(ctx context.Context, token string) (*ledgerv1.LocateSharedResponse, error) {
	signed, err := n.readSigned(token)
	if err == nil {
		access.ActFor(ctx, signed.GetIdentity().GetPrincipal(), access.Kind(signed.GetIdentity().GetKind()))
		access.ActOn(ctx, resource.File{Space: signed.GetSpace(), ID: signed.GetNode()}.String())
	}
	if err != nil || passed(signed.GetExpireMicros(), n.now()) {
		return nil, errNoLink
	}
	if err := n.signerLives(ctx, signed.GetIdentity()); err != nil {
		return nil, orNoLink(err)
	}
	if err := n.stillAllowed(ctx, signed.GetIdentity(), signed.GetSpace(), access.Reader); err != nil {
		return nil, orNoLink(err)
	}
	node, found, err := n.signedContents(ctx, signed)
	if err != nil {
		return nil, orNoLink(err)
	}
	name := resource.File{Space: signed.GetSpace(), ID: node.GetId()}
	where, err := n.anonymous(ctx, name, node, found)
	return &ledgerv1.LocateSharedResponse{Located: where, Attachment: signed.GetAttachment()}, err
}

// readSigned returns what a signed link says.
func (n *Namespace) readSigned(token string) (*recordv1.SignedFile, error) {
	hidden, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, err
	}
	payload, err := n.key.Reveal(signPurpose, hidden)
	if err != nil {
		return nil, err
	}
	signed := new(recordv1.SignedFile)
	return signed, proto.Unmarshal(payload, signed)
}

// signerLives checks that the key has not expired that a link was signed with: a
// grant lets an upload end that began in time, but a link is a new call each time.
func (n *Namespace) signerLives(ctx context.Context, signer *recordv1.Identity) error {
	if len(signer.GetKeyHash()) == 0 {
		return nil
	}
	signedWith, err := n.readKey(ctx, signer.GetKeyHash())
	if err == nil && passed(signedWith.key.GetExpireMicros(), n.now()) {
		err = badKey()
	}
	return err
}

// orNoLink returns err if a later try may cure it, and else errNoLink.
func orNoLink(err error) error {
	switch fault.ReasonOf(err) {
	case fault.Unavailable.Reason, fault.DataLoss.Reason, fault.Internal.Reason:
		return err
	}
	return errNoLink
}
