package namespace

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	shareTokenBytes   = 32 // 256 bits: nobody guesses one
	maxSharePassword  = 128
	maxShareDownloads = 1 << 40
	parallelShares    = 16 // that one list looks at, at a time
)

// shareDownloads is the number of a share's counter: how many downloads there
// were, negative, so that its floor is the bound.
const shareDownloads = "downloads"

// CreateShare makes a share link. Of its token only the hash is stored, so a
// repetition cannot return it.
func (n *Namespace) CreateShare(ctx context.Context, req *metadatav1.CreateShareRequest) (*metadatav1.Share, error) {
	in, err := resource.ParseSpace("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	asked := req.GetShare()
	of, err := resource.ParseFile("share.file", asked.GetFile())
	if err != nil {
		return nil, err
	}
	if of.Space != in {
		return nil, fault.Invalidf("share.file", "must be in %s", resource.SpaceName(in))
	}
	if err := n.checkShare(asked); err != nil {
		return nil, err
	}
	r, protected, err := newSharingRequest(ctx, n, req, func() error {
		_, err := n.shareable(ctx, of)
		return err
	})
	if err != nil {
		return nil, err
	}
	token := newShareToken()
	fresh := &recordv1.Share{
		Id: record.NewID(), Node: of.ID, TokenHash: shareTokenHash(token), Etag: record.NewEtag(),
		ExpireMicros: micros(asked.GetExpireTime()), MaxDownloads: asked.GetMaxDownloadCount(),
		CreateMicros: n.now(), UpdateMicros: n.now(), Creator: r.principal,
	}
	protected.of(fresh)
	made, err := mutate(ctx, n, r, new(metadatav1.Share), func() ([]table.Write, *metadatav1.Share, error) {
		h, err := n.shareable(ctx, of)
		if err != nil {
			return nil, nil, err
		}
		still, err := n.mayShare(ctx, in, access.Writer)
		if err != nil {
			return nil, nil, err
		}
		return append(append(still, n.lookAfter(in, fresh)...),
			holdTree(h), // a space that is deleted meanwhile gets none
			putShare(in, fresh, table.IfAbsent), table.Put(linkOf(in, fresh), table.IfAbsent),
		), share(in, fresh, 0), nil
	})
	if err == nil && made.GetName() == (resource.Share{Space: in, ID: fresh.GetId()}).String() {
		made.Token, made.Uri = token, "/s/"+token
	}
	return made, err
}

// shareable returns the space of a node that may be shared: one that is there, and
// not in the trash.
func (n *Namespace) shareable(ctx context.Context, of resource.File) (head, error) {
	node, h, err := n.node(ctx, of)
	if err == nil && node.GetState() != recordv1.Node_LIVE {
		err = fault.New(fault.Conflict.Reason, "%s is in the trash", of)
	}
	return h, err
}

func newShareToken() string {
	var secret [shareTokenBytes]byte
	_, _ = rand.Read(secret[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

// shareTokenHash returns what is kept of a token. It has too many bits for a
// slow hash to be of use.
func shareTokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func putShare(space string, s *recordv1.Share, cond table.Cond) table.Write {
	return table.Put(record.Item(record.ShareOf(space, s.GetId()), s.GetEtag(), s), cond)
}

// linkOf returns the item by which the token of a share leads to it.
func linkOf(space string, s *recordv1.Share) table.Item {
	return record.Item(record.Link(s.GetTokenHash()), "", &recordv1.ShareLink{Space: space, Share: s.GetId()})
}

func (n *Namespace) checkShare(asked *metadatav1.Share) error {
	if err := n.checkExpiry("share.expire_time", asked.GetExpireTime()); err != nil {
		return err
	}
	if asked.GetMaxDownloadCount() < 0 || asked.GetMaxDownloadCount() > maxShareDownloads {
		return fault.Invalidf("share.max_download_count", "must be 0 to %d", int64(maxShareDownloads))
	}
	if len(asked.GetPassword()) > maxSharePassword {
		return fault.Invalidf("share.password", "must not be longer than %d bytes", maxSharePassword)
	}
	return nil
}

// readShare reads a share by its name.
func (n *Namespace) readShare(ctx context.Context, name resource.Share) (*recordv1.Share, error) {
	if _, err := n.head(ctx, name.Space); err != nil {
		return nil, err
	}
	item, err := n.table.Get(ctx, record.ShareOf(name.Space, name.ID))
	if errors.Is(err, table.ErrNotFound) {
		return nil, notFound(name.String())
	}
	if err != nil {
		return nil, err
	}
	s := new(recordv1.Share)
	if err := record.Decode(item, s); err != nil {
		return nil, err
	}
	if passed(s.GetExpireMicros(), n.now()) {
		return nil, notFound(name.String())
	}
	return s, nil
}

// shareAt reads a share that is to be changed, at the etag that its caller expects;
// at any when that is empty.
func (n *Namespace) shareAt(ctx context.Context, name resource.Share, etag string) (*recordv1.Share, error) {
	s, err := n.readShare(ctx, name)
	if err == nil && !resource.EtagMatches(etag, s.GetEtag()) {
		return nil, etagMismatch(name.String())
	}
	return s, err
}

// downloads returns how often a share was downloaded.
func (n *Namespace) downloads(ctx context.Context, s *recordv1.Share) (int64, error) {
	item, err := n.table.Get(ctx, record.LinkCount(s.GetTokenHash()))
	if errors.Is(err, table.ErrNotFound) {
		return 0, nil
	}
	return -item.Numbers[shareDownloads], err
}

// GetShare returns a share without its token.
func (n *Namespace) GetShare(ctx context.Context, req *metadatav1.GetShareRequest) (*metadatav1.Share, error) {
	name, err := resource.ParseShare("name", req.GetName())
	if err != nil {
		return nil, err
	}
	s, err := n.readShare(ctx, name)
	if err != nil {
		return nil, err
	}
	count, err := n.downloads(ctx, s)
	return share(name.Space, s, count), err
}

// ListShares lists the shares of a space, the oldest first.
func (n *Namespace) ListShares(
	ctx context.Context, req *metadatav1.ListSharesRequest,
) (*metadatav1.ListSharesResponse, error) {
	in, err := resource.ParseSpace("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	asked := clone(req)
	asked.PageSize, asked.PageToken = 0, ""
	last, err := n.openCursor(ctx, asked, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if _, err := n.head(ctx, in); err != nil {
		return nil, err
	}
	query := record.Shares(in, last)
	query.Limit = size + 1
	page, err := n.table.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	shares := make([]*metadatav1.Share, min(size, len(page.Items)))
	reads, readCtx := errgroup.WithContext(ctx)
	reads.SetLimit(parallelShares)
	for i, item := range page.Items[:len(shares)] {
		_, last = record.AccessOf(item.Key)
		reads.Go(func() (err error) {
			shares[i], err = n.remaining(readCtx, in, item)
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	response := &metadatav1.ListSharesResponse{Shares: slices.DeleteFunc(shares, func(s *metadatav1.Share) bool { return s == nil })}
	if page.More || len(page.Items) > size {
		response.NextPageToken, err = n.sealCursor(ctx, asked, last)
	}
	return response, err
}

// UpdateShare changes the expiry, the password or the bound on downloads.
func (n *Namespace) UpdateShare(ctx context.Context, req *metadatav1.UpdateShareRequest) (*metadatav1.Share, error) {
	asked := req.GetShare()
	name, err := resource.ParseShare("share.name", asked.GetName())
	if err != nil {
		return nil, err
	}
	fields, err := maskOf(req.GetUpdateMask(), asked, "expire_time", "password", "max_download_count")
	if err != nil {
		return nil, err
	}
	if err := n.checkShare(asked); err != nil {
		return nil, err
	}
	r, protected, err := newSharingRequest(ctx, n, req, func() error {
		_, err := n.shareAt(ctx, name, asked.GetEtag())
		return err
	})
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.Share), func() ([]table.Write, *metadatav1.Share, error) {
		h, err := n.head(ctx, name.Space)
		if err != nil {
			return nil, nil, err
		}
		still, err := n.mayShare(ctx, name.Space, access.Writer)
		if err != nil {
			return nil, nil, err
		}
		s, err := n.shareAt(ctx, name, asked.GetEtag())
		if err != nil {
			return nil, nil, err
		}
		count, err := n.downloads(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		changed := clone(s)
		changed.Etag = record.NewEtag()
		changed.UpdateMicros = max(n.now(), s.GetUpdateMicros()+1)
		if fields["expire_time"] {
			changed.ExpireMicros = micros(asked.GetExpireTime())
		}
		if fields["max_download_count"] {
			changed.MaxDownloads = asked.GetMaxDownloadCount()
		}
		if fields["password"] {
			protected.of(changed)
		}
		writes := append(still, n.lookAfter(name.Space, changed)...)
		writes = append(writes, holdTree(h), putShare(name.Space, changed, table.IfTag(s.GetEtag())))
		return writes, share(name.Space, changed, count), nil
	})
}

// DeleteShare revokes a share: its token leads nowhere when the call returns.
func (n *Namespace) DeleteShare(ctx context.Context, req *metadatav1.DeleteShareRequest) (*emptypb.Empty, error) {
	name, err := resource.ParseShare("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(emptypb.Empty), func() ([]table.Write, *emptypb.Empty, error) {
		s, err := n.shareAt(ctx, name, req.GetEtag())
		if err != nil {
			return nil, nil, err
		}
		return dropShare(name.Space, s), new(emptypb.Empty), nil
	})
}

// share returns the resource of a share.
func share(space string, s *recordv1.Share, downloads int64) *metadatav1.Share {
	return &metadatav1.Share{
		Name:              resource.Share{Space: space, ID: s.GetId()}.String(),
		File:              resource.File{Space: space, ID: s.GetNode()}.String(),
		ExpireTime:        timestamp(s.GetExpireMicros()),
		PasswordProtected: len(s.GetPasswordHash()) > 0,
		MaxDownloadCount:  s.GetMaxDownloads(),
		DownloadCount:     downloads,
		CreateTime:        timestamp(s.GetCreateMicros()),
		UpdateTime:        timestamp(s.GetUpdateMicros()),
		Creator:           s.GetCreator(),
		Etag:              s.GetEtag(),
	}
}
