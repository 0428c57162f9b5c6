package namespace

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/filter"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	ticketPurpose  = "share-ticket"
	ticketLifetime = time.Hour
)

// errNoLink is the one answer for a link that leads nowhere: never made,
// revoked, expired, used up, or its file gone or in the trash.
var errNoLink = fault.New(errorsv1.Reason_REASON_NOT_FOUND, "there is nothing behind this link")

// opened is a share whose link and, if it has one, password were given.
type opened struct {
	share  *recordv1.Share
	at     resource.File // what is shared
	ticket []byte        // proof of the password
}

// open looks a share link up, every time: one that was revoked leads nowhere at
// once.
//
// Errors: errNoLink, and those of passwords.check.
func (n *Namespace) open(ctx context.Context, target *storagev1.SharedTarget) (opened, error) {
	var none opened
	item, err := n.table.Get(ctx, record.Link(shareTokenHash(target.GetToken())))
	if errors.Is(err, table.ErrNotFound) {
		return none, errNoLink
	}
	if err != nil {
		return none, err
	}
	link := new(recordv1.ShareLink)
	if err := record.Decode(item, link); err != nil {
		return none, err
	}
	s, err := n.readShare(ctx, resource.Share{Space: link.GetSpace(), ID: link.GetShare()})
	if errors.Is(err, fault.NotFound) {
		return none, errNoLink
	}
	if err != nil {
		return none, err
	}
	access.ActFor(ctx, access.SharePrefix+link.GetSpace()+"/"+s.GetId(), access.KindShare)
	access.ActOn(ctx, resource.File{Space: link.GetSpace(), ID: s.GetNode()}.String())
	o := opened{share: s, at: resource.File{Space: link.GetSpace(), ID: s.GetNode()}}
	if len(s.GetPasswordHash()) == 0 {
		return o, nil
	}
	if n.validTicket(s, target.GetTicket()) {
		o.ticket = target.GetTicket()
		return o, nil
	}
	if err := n.passwords.check(ctx, s, target.GetPassword()); err != nil {
		return none, err
	}
	o.ticket, err = n.newTicket(s)
	return o, err
}

func (n *Namespace) newTicket(s *recordv1.Share) ([]byte, error) {
	payload, err := proto.Marshal(&recordv1.ShareTicket{
		Share: s.GetId(), PasswordSalt: s.GetPasswordSalt(), ExpireMicros: n.now() + ticketLifetime.Microseconds(),
	})
	return n.key.Seal(ticketPurpose, payload), err
}

func (n *Namespace) validTicket(s *recordv1.Share, sealed []byte) bool {
	payload, err := n.key.Open(ticketPurpose, sealed)
	if err != nil {
		return false
	}
	ticket := new(recordv1.ShareTicket)
	return proto.Unmarshal(payload, ticket) == nil && ticket.GetShare() == s.GetId() &&
		string(ticket.GetPasswordSalt()) == string(s.GetPasswordSalt()) && !passed(ticket.GetExpireMicros(), n.now())
}

// shared returns the node that a path within a share leads to: what is shared
// itself for an empty one. The path goes by names from folder to folder, so it
// leads nowhere but down.
func (n *Namespace) shared(ctx context.Context, o opened, path string) (*recordv1.Node, error) {
	names, err := resource.Path("path", "/"+strings.Trim(path, "/"))
	if err != nil {
		return nil, err
	}
	node, _, err := n.node(ctx, o.at)
	if err == nil && len(names) > 0 && node.GetState() == recordv1.Node_LIVE && node.GetKind() == recordv1.Node_FOLDER {
		_, err = n.under(ctx, o.at, func() (err error) {
			node, err = n.down(ctx, o.at, names)
			return err
		})
	} else if err == nil && (len(names) > 0 || node.GetState() != recordv1.Node_LIVE) {
		err = errNoLink
	}
	if errors.Is(err, fault.NotFound) {
		err = errNoLink
	}
	if err == nil {
		access.ActOn(ctx, resource.File{Space: o.at.Space, ID: node.GetId()}.String())
	}
	return node, err
}

// down follows names from a folder.
func (n *Namespace) down(ctx context.Context, from resource.File, names []string) (*recordv1.Node, error) {
	at, now := &recordv1.Node{Id: from.ID, Kind: recordv1.Node_FOLDER}, n.now()
	for _, name := range names {
		if at.GetKind() != recordv1.Node_FOLDER {
			return nil, errNoLink
		}
		next, err := n.entry(ctx, from.Space, at.GetId(), name)
		if err != nil {
			return nil, err
		}
		if next == nil || !visible(next, now) {
			return nil, errNoLink
		}
		at = next
	}
	return at, nil
}

// OpenShare returns what a share link leads to.
func (n *Namespace) OpenShare(
	ctx context.Context, req *metadatav1.OpenShareRequest,
) (*metadatav1.OpenShareResponse, error) {
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	o, err := n.open(ctx, &storagev1.SharedTarget{
		Token: req.GetToken(), Password: req.GetPassword(), Ticket: req.GetTicket(),
	})
	if err != nil {
		return nil, err
	}
	node, err := n.shared(ctx, o, req.GetPath())
	if err != nil {
		return nil, err
	}
	response := &metadatav1.OpenShareResponse{Node: sharedNode(node), Ticket: o.ticket}
	if node.GetKind() != recordv1.Node_FOLDER {
		return response, nil
	}
	purpose := "shared-page\x00" + o.share.GetId() + "\x00" + node.GetId()
	from, err := n.key.OpenText(purpose, req.GetPageToken())
	if err != nil {
		return nil, fault.Invalidf("page_token", "is not one of this request")
	}
	all, err := filter.Parse("")
	if err != nil {
		return nil, err
	}
	l := listing{n: n, space: o.at.Space, size: size, matches: all, from: from}
	if err := l.folder(ctx, resource.File{Space: o.at.Space, ID: node.GetId()}.String(), ""); err != nil {
		if errors.Is(err, fault.NotFound) {
			err = errNoLink
		}
		return nil, err
	}
	for _, f := range l.files {
		response.Entries = append(response.Entries, &metadatav1.OpenShareResponse_SharedNode{
			DisplayName: f.GetDisplayName(), Kind: f.GetKind(), SizeBytes: f.GetSizeBytes(),
			ContentType: f.GetContentType(), UpdateTime: f.GetUpdateTime(),
		})
	}
	if l.more {
		response.NextPageToken = base64.RawURLEncoding.EncodeToString(n.key.Seal(purpose, []byte(l.last)))
	}
	return response, nil
}

func sharedNode(node *recordv1.Node) *metadatav1.OpenShareResponse_SharedNode {
	return &metadatav1.OpenShareResponse_SharedNode{
		DisplayName: node.GetDisplayName(), Kind: metadatav1.File_Kind(node.GetKind()),
		SizeBytes: node.GetRevision().GetSizeBytes(), ContentType: node.GetRevision().GetContentType(),
		UpdateTime: timestamp(node.GetUpdateMicros()),
	}
}
