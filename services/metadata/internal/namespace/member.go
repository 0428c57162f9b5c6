package namespace

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const maxPrincipalBytes = 256

// CreateMember gives a user or a group a role in a space.
func (n *Namespace) CreateMember(
	ctx context.Context, req *metadatav1.CreateMemberRequest,
) (*metadatav1.Member, error) {
	space, err := resource.ParseSpace("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	principal := req.GetMember().GetPrincipal()
	if err := checkMemberPrincipal(principal); err != nil {
		return nil, err
	}
	if err := checkRole(req.GetMember().GetRole()); err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.Member), func() ([]table.Write, *metadatav1.Member, error) {
		h, err := n.head(ctx, space)
		if err != nil {
			return nil, nil, err
		}
		still, err := n.mayShare(ctx, space, access.Owner)
		if err != nil {
			return nil, nil, err
		}
		now := n.now()
		m := &recordv1.Member{
			Id: record.MemberID(principal), Principal: principal, Role: int32(req.GetMember().GetRole()),
			Etag: record.NewEtag(), CreateMicros: now, UpdateMicros: now, Creator: r.principal,
		}
		_, err = n.table.Get(ctx, record.Member(space, m.GetId()))
		if err == nil {
			return nil, nil, fault.New(errorsv1.Reason_REASON_ALREADY_EXISTS, "%s is a member of spaces/%s", principal, space)
		}
		if !errors.Is(err, table.ErrNotFound) {
			return nil, nil, err
		}
		return append(still,
			raisePolicy(h),
			table.Put(record.Item(record.Member(space, m.GetId()), m.GetEtag(), m), table.IfAbsent),
			table.Put(table.Item{Key: record.Membership(m.GetId(), space)}, table.Any),
		), member(space, m), nil
	})
}

// GetMember returns a member.
func (n *Namespace) GetMember(ctx context.Context, req *metadatav1.GetMemberRequest) (*metadatav1.Member, error) {
	name, err := resource.ParseMember("name", req.GetName())
	if err != nil {
		return nil, err
	}
	if _, err := n.head(ctx, name.Space); err != nil {
		return nil, err
	}
	m, err := n.member(ctx, name)
	if err != nil {
		return nil, err
	}
	return member(name.Space, m), nil
}

// UpdateMember changes the role of a member.
func (n *Namespace) UpdateMember(
	ctx context.Context, req *metadatav1.UpdateMemberRequest,
) (*metadatav1.Member, error) {
	name, err := resource.ParseMember("member.name", req.GetMember().GetName())
	if err != nil {
		return nil, err
	}
	fields, err := maskOf(req.GetUpdateMask(), req.GetMember(), "role")
	if err != nil {
		return nil, err
	}
	if fields["role"] {
		if err := checkRole(req.GetMember().GetRole()); err != nil {
			return nil, err
		}
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.Member), func() ([]table.Write, *metadatav1.Member, error) {
		h, read, err := n.memberToChange(ctx, name, req.GetMember().GetEtag())
		if err != nil {
			return nil, nil, err
		}
		if !fields["role"] {
			return nil, member(name.Space, read), nil
		}
		still, err := n.mayShare(ctx, name.Space, access.Owner)
		if err != nil {
			return nil, nil, err
		}
		changed := clone(read)
		changed.Role = int32(req.GetMember().GetRole())
		changed.Etag = record.NewEtag()
		changed.UpdateMicros = max(n.now(), read.GetUpdateMicros()+1)
		item := record.Item(record.Member(name.Space, name.ID), changed.GetEtag(), changed)
		return append(still, raisePolicy(h), table.Put(item, table.IfTag(read.GetEtag()))), member(name.Space, changed), nil
	})
}

// DeleteMember takes the role of a member away.
func (n *Namespace) DeleteMember(ctx context.Context, req *metadatav1.DeleteMemberRequest) (*emptypb.Empty, error) {
	name, err := resource.ParseMember("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(emptypb.Empty), func() ([]table.Write, *emptypb.Empty, error) {
		h, read, err := n.memberToChange(ctx, name, req.GetEtag())
		if err != nil {
			return nil, nil, err
		}
		return []table.Write{
			raisePolicy(h),
			table.Delete(record.Member(name.Space, name.ID), table.IfTag(read.GetEtag())),
			table.Delete(record.Membership(name.ID, name.Space), table.Any),
		}, new(emptypb.Empty), nil
	})
}

// memberToChange reads a member whose etag must be the given one.
func (n *Namespace) memberToChange(
	ctx context.Context, name resource.Member, etag string,
) (head, *recordv1.Member, error) {
	h, err := n.head(ctx, name.Space)
	if err != nil {
		return head{}, nil, err
	}
	read, err := n.member(ctx, name)
	if err != nil {
		return head{}, nil, err
	}
	if !resource.EtagMatches(etag, read.GetEtag()) {
		return head{}, nil, etagMismatch(name.String())
	}
	return h, read, nil
}

// member reads a member.
func (n *Namespace) member(ctx context.Context, name resource.Member) (*recordv1.Member, error) {
	item, err := n.table.Get(ctx, record.Member(name.Space, name.ID))
	if errors.Is(err, table.ErrNotFound) {
		return nil, notFound(name.String())
	}
	if err != nil {
		return nil, err
	}
	m := new(recordv1.Member)
	return m, record.Decode(item, m)
}

// checkMemberPrincipal checks whom a member is to be about.
func checkMemberPrincipal(principal string) error {
	const field = "member.principal"
	for _, prefix := range []string{access.UserPrefix, access.GroupPrefix} {
		if name, ok := strings.CutPrefix(principal, prefix); ok && name != "" {
			return resource.Text(field, principal, maxPrincipalBytes)
		}
	}
	return fault.Invalidf(field, "must be %q and a subject, or %q and the name of a group", access.UserPrefix, access.GroupPrefix)
}

func checkRole(role metadatav1.Member_Role) error {
	switch role {
	case metadatav1.Member_READER, metadatav1.Member_WRITER, metadatav1.Member_OWNER:
		return nil
	}
	return fault.Invalidf("member.role", "must be READER, WRITER or OWNER")
}

// member returns the resource of a member.
func member(space string, m *recordv1.Member) *metadatav1.Member {
	return &metadatav1.Member{
		Name:       resource.Member{Space: space, ID: m.GetId()}.String(),
		Principal:  m.GetPrincipal(),
		Role:       metadatav1.Member_Role(m.GetRole()),
		Etag:       m.GetEtag(),
		CreateTime: timestamp(m.GetCreateMicros()),
		UpdateTime: timestamp(m.GetUpdateMicros()),
		Creator:    m.GetCreator(),
	}
}
