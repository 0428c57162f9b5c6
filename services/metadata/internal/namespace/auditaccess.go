package namespace

import (
	"bytes"
	"context"
	"errors"

	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// What a space lists of members, keys and share links is the truth: its owners
// see that and nothing else. So a repair makes an index that is missing, and takes
// away what leads in and is not listed.

// examineAccess looks at a record of a space that is about access.
func (a *audit) examineAccess(ctx context.Context, item table.Item, space string) error {
	of, id := record.AccessOf(item.Key)
	switch of {
	case record.AccessMember:
		m := new(recordv1.Member)
		if err := record.Decode(item, m); err != nil {
			return err
		}
		name := resource.Member{Space: space, ID: id}.String()
		if m.GetId() != id || record.MemberID(m.GetPrincipal()) != id {
			a.find(corrupt, name, "the member contradicts its key")
			return nil
		}
		index := table.Item{Key: record.Membership(id, space)}
		return a.indexed(ctx, name, item, index)
	case record.AccessKey:
		k := new(recordv1.Key)
		if err := record.Decode(item, k); err != nil {
			return err
		}
		name := resource.Key{Space: space, ID: id}.String()
		if k.GetId() != id || k.GetSpace() != space {
			a.find(corrupt, name, "the key contradicts its key in the table")
			return nil
		}
		return a.indexed(ctx, name, item, table.Item{Key: record.APIKeyHash(k.GetHash()), Tag: record.NewEtag(), Value: item.Value})
	case record.AccessKeyUse:
		return a.listed(ctx, resource.Key{Space: space, ID: id}.String(), item, record.APIKey(space, id), nil)
	case record.AccessShare:
		return a.examineShare(ctx, item, resource.Share{Space: space, ID: id})
	case record.AccessNone:
		if record.IsHead(item.Key) {
			return a.examineHead(ctx, item, space)
		}
	}
	return nil
}

func (a *audit) examineShare(ctx context.Context, item table.Item, name resource.Share) error {
	s := new(recordv1.Share)
	if err := record.Decode(item, s); err != nil {
		return err
	}
	if s.GetId() != name.ID || s.GetEtag() != item.Tag {
		a.find(corrupt, name.String(), "the share contradicts its key or tag")
		return nil
	}
	if err := a.indexed(ctx, name.String(), item, linkOf(name.Space, s)); err != nil {
		return err
	}
	if s.GetExpireJob() != "" {
		_, err := a.n.table.Get(ctx, jobKey(s.GetExpireJob()))
		if !errors.Is(err, table.ErrNotFound) {
			return err
		}
	}
	if now, err := a.n.table.Get(ctx, item.Key); err != nil || !bytes.Equal(now.Value, item.Value) {
		return ignoreMissing(err) // removed or changed meanwhile, or given another job
	}
	finding := a.find(mismatch, name.String(), "no job will remove it when it is over")
	changed := clone(s)
	changed.Etag = record.NewEtag()
	writes := a.n.lookAfter(name.Space, changed)
	return a.mend(ctx, finding, append(writes, putShare(name.Space, changed, table.IfTag(item.Tag))))
}

// examineMembership looks at a space in the index of a member.
func (a *audit) examineMembership(ctx context.Context, item table.Item, id string) error {
	space := item.Key.Sort
	return a.listed(ctx, resource.Member{Space: space, ID: id}.String(), item, record.Member(space, id), nil)
}

// examineKeyHash looks at a key under the hash of its secret.
func (a *audit) examineKeyHash(ctx context.Context, item table.Item) error {
	k := new(recordv1.Key)
	if err := record.Decode(item, k); err != nil {
		return err
	}
	name := resource.Key{Space: k.GetSpace(), ID: k.GetId()}
	return a.listed(ctx, name.String(), item, record.APIKey(name.Space, name.ID), func(there table.Item) (bool, error) {
		in := new(recordv1.Key)
		err := record.Decode(there, in)
		return record.APIKeyHash(in.GetHash()) == item.Key, err
	})
}

// examineLink looks at the link of a share, or at the counter of one.
func (a *audit) examineLink(ctx context.Context, item table.Item) error {
	if !record.IsLink(item.Key) {
		return a.listed(ctx, jobRef(item.Key), item, record.LinkOf(item.Key), nil)
	}
	link := new(recordv1.ShareLink)
	if err := record.Decode(item, link); err != nil {
		return err
	}
	name := resource.Share{Space: link.GetSpace(), ID: link.GetShare()}
	return a.listed(ctx, name.String(), item, record.ShareOf(name.Space, name.ID), func(there table.Item) (bool, error) {
		s := new(recordv1.Share)
		err := record.Decode(there, s)
		return record.Link(s.GetTokenHash()) == item.Key, err
	})
}
