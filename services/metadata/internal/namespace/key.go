package namespace

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/apikey"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const maxKeyNameBytes = 255

// CreateKey makes an API key. Of its secret only the hash is stored, so a
// repetition cannot return it.
func (n *Namespace) CreateKey(ctx context.Context, req *metadatav1.CreateKeyRequest) (*metadatav1.Key, error) {
	space, err := resource.ParseSpace("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	if err := n.checkKey(ctx, req.GetKey()); err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	secret := apikey.New()
	hash, _ := apikey.Hash(secret) // it is one of ours
	fresh := &recordv1.Key{
		Id: record.NewID(), Space: space, DisplayName: req.GetKey().GetDisplayName(),
		Scope: int32(req.GetKey().GetScope()), ExpireMicros: micros(req.GetKey().GetExpireTime()),
		CreateMicros: n.now(), Creator: r.principal, Hash: hash[:],
	}
	made, err := mutate(ctx, n, r, new(metadatav1.Key), func() ([]table.Write, *metadatav1.Key, error) {
		h, err := n.head(ctx, space)
		if err != nil {
			return nil, nil, err
		}
		still, err := n.mayShare(ctx, space, access.Owner)
		if err != nil {
			return nil, nil, err
		}
		return append(putKey(h, fresh), still...), key(fresh, nil), nil
	})
	if err == nil && made.GetName() == (resource.Key{Space: space, ID: fresh.GetId()}).String() {
		made.Secret = secret
	}
	return made, err
}

// putKey returns the writes of a new key. A space that is deleted meanwhile gets
// none.
func putKey(h head, k *recordv1.Key) []table.Write {
	return []table.Write{
		holdTree(h),
		table.Put(record.Item(record.APIKey(k.GetSpace(), k.GetId()), record.NewEtag(), k), table.IfAbsent),
		table.Put(record.Item(record.APIKeyHash(k.GetHash()), record.NewEtag(), k), table.IfAbsent),
	}
}

// checkKey checks what a key is to be.
func (n *Namespace) checkKey(ctx context.Context, asked *metadatav1.Key) error {
	if err := resource.Text("key.display_name", asked.GetDisplayName(), maxKeyNameBytes); err != nil {
		return err
	}
	if err := n.checkExpiry("key.expire_time", asked.GetExpireTime()); err != nil {
		return err
	}
	p, err := access.Of(ctx)
	if err != nil {
		return err
	}
	switch asked.GetScope() {
	case metadatav1.Key_READ, metadatav1.Key_WRITE, metadatav1.Key_OWN:
		return nil
	case metadatav1.Key_ADMINISTER:
		if p.Administrator {
			return nil
		}
		return fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED, "only an administrator can make the key of an administrator")
	}
	return fault.Invalidf("key.scope", "must be READ, WRITE, OWN or ADMINISTER")
}

// GetKey returns an API key without its secret.
func (n *Namespace) GetKey(ctx context.Context, req *metadatav1.GetKeyRequest) (*metadatav1.Key, error) {
	name, err := resource.ParseKey("name", req.GetName())
	if err != nil {
		return nil, err
	}
	if _, err := n.head(ctx, name.Space); err != nil {
		return nil, err
	}
	_, found, err := n.keyIn(ctx, name)
	if err != nil {
		return nil, err
	}
	use := new(recordv1.KeyUse)
	item, err := n.table.Get(ctx, record.APIKeyUse(name.Space, name.ID))
	if err == nil {
		err = record.Decode(item, use)
	}
	if errors.Is(err, table.ErrNotFound) {
		err = nil // never used
	}
	return key(found, use), err
}

// DeleteKey revokes an API key.
func (n *Namespace) DeleteKey(ctx context.Context, req *metadatav1.DeleteKeyRequest) (*emptypb.Empty, error) {
	name, err := resource.ParseKey("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(emptypb.Empty), func() ([]table.Write, *emptypb.Empty, error) {
		if _, err := n.head(ctx, name.Space); err != nil {
			return nil, nil, err
		}
		item, found, err := n.keyIn(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		return append(dropKey(found), table.Delete(item.Key, table.IfTag(item.Tag))), new(emptypb.Empty), nil
	})
}

// dropKey returns the writes that revoke a key, but for its item in its space.
func dropKey(k *recordv1.Key) []table.Write {
	return []table.Write{
		table.Delete(record.APIKeyHash(k.GetHash()), table.Any),
		table.Delete(record.APIKeyUse(k.GetSpace(), k.GetId()), table.Any),
	}
}

// keyIn reads an API key in its space.
func (n *Namespace) keyIn(ctx context.Context, name resource.Key) (table.Item, *recordv1.Key, error) {
	item, err := n.table.Get(ctx, record.APIKey(name.Space, name.ID))
	if errors.Is(err, table.ErrNotFound) {
		return item, nil, notFound(name.String())
	}
	if err != nil {
		return item, nil, err
	}
	found := new(recordv1.Key)
	return item, found, record.Decode(item, found)
}

// key returns the resource of an API key, use being nil when it was never used.
func key(k *recordv1.Key, use *recordv1.KeyUse) *metadatav1.Key {
	return &metadatav1.Key{
		Name:        resource.Key{Space: k.GetSpace(), ID: k.GetId()}.String(),
		DisplayName: k.GetDisplayName(),
		Scope:       metadatav1.Key_Scope(k.GetScope()),
		ExpireTime:  timestamp(k.GetExpireMicros()),
		CreateTime:  timestamp(k.GetCreateMicros()),
		LastUseTime: timestamp(use.GetUseMicros()),
		Creator:     k.GetCreator(),
	}
}
