package namespace

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	// keyUseInterval is how exactly the last use of a key is known.
	keyUseInterval = 5 * time.Minute
	// keyUsesWaiting are the uses that wait to be written; further ones are
	// forgotten and noted at the next use.
	keyUsesWaiting = 1 << 10
	// rememberedKeys are the keys that are remembered.
	rememberedKeys = 1 << 14
)

// knownKey is a key as its record says, and who bears it.
type knownKey struct {
	at        table.Key
	record    []byte
	key       *recordv1.Key
	principal access.Principal
	// noted is when a use was last noted, in microseconds.
	noted atomic.Int64
}

// KeyBearer returns who bears the API key whose secret has a hash: one read,
// so that a key that was revoked is refused by the next call.
// UNAUTHENTICATED when there is no such key or it has expired.
func (n *Namespace) KeyBearer(ctx context.Context, hash []byte) (access.Principal, error) {
	found, err := n.readKey(ctx, hash)
	if err != nil {
		return access.Principal{}, err
	}
	if passed(found.key.GetExpireMicros(), n.now()) {
		return access.Principal{}, badKey()
	}
	n.noticeKeyUse(found)
	return found.principal, nil
}

// readKey returns the API key whose secret has a hash, expired or not. Its
// record is read every time; what is remembered is only what the same bytes say.
// The bootstrap key has no record: it is good as long as it is configured.
func (n *Namespace) readKey(ctx context.Context, hash []byte) (*knownKey, error) {
	if n.isBootstrap(hash) {
		return &knownKey{key: new(recordv1.Key), principal: access.Bootstrap(hash)}, nil
	}
	found, ok := n.keys.Get(string(hash))
	if !ok {
		found = &knownKey{at: record.APIKeyHash(hash)}
	}
	item, err := n.table.Get(ctx, found.at)
	if errors.Is(err, table.ErrNotFound) {
		return nil, badKey()
	}
	if err != nil {
		return nil, err
	}
	if !ok || !bytes.Equal(found.record, item.Value) {
		key := new(recordv1.Key)
		if err := record.Decode(item, key); err != nil {
			return nil, err
		}
		found = &knownKey{at: found.at, record: item.Value, key: key, principal: keyPrincipal(key)}
		n.keys.Add(string(hash), found)
	}
	if found.principal.Administrator {
		// It acts in other spaces too, where nobody would notice that its own is gone.
		if _, err := n.head(ctx, found.key.GetSpace()); errors.Is(err, fault.NotFound) {
			return nil, badKey()
		} else if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// isBootstrap reports whether a hash is that of the bootstrap key.
func (n *Namespace) isBootstrap(hash []byte) bool {
	return len(hash) > 0 && bytes.Equal(hash, n.config.BootstrapHash)
}

func badKey() error {
	return fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "the key is unknown, revoked or expired")
}

// keyPrincipal returns who bears a key.
func keyPrincipal(k *recordv1.Key) access.Principal {
	p := access.Principal{
		ID: access.KeyPrefix + k.GetSpace() + "/" + k.GetId(), Kind: access.KindKey, KeyHash: k.GetHash(),
	}
	switch metadatav1.Key_Scope(k.GetScope()) {
	case metadatav1.Key_ADMINISTER:
		p.Administrator = true
		return p
	case metadatav1.Key_READ:
		p.Role = access.Reader
	case metadatav1.Key_WRITE:
		p.Role = access.Writer
	case metadatav1.Key_OWN:
		p.Role = access.Owner
	}
	p.Space = k.GetSpace()
	return p
}

// noticeKeyUse has the use of a key noted, unless it was a short while ago.
func (n *Namespace) noticeKeyUse(k *knownKey) {
	now, noted := n.now(), k.noted.Load()
	if now-noted < keyUseInterval.Microseconds() || !k.noted.CompareAndSwap(noted, now) {
		return
	}
	select {
	case n.keysUsed <- k.key:
	default:
		k.noted.Store(noted)
	}
}

// NoteKeyUses writes when keys were used, beside the calls that use them, until
// ctx ends.
func (n *Namespace) NoteKeyUses(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case used := <-n.keysUsed:
			if err := n.noteKeyUse(ctx, used); err != nil && ctx.Err() == nil {
				n.config.Logger.WarnContext(ctx, "the use of a key was not noted", slog.Any("error", err))
			}
		}
	}
}

func (n *Namespace) noteKeyUse(ctx context.Context, k *recordv1.Key) error {
	use := record.Item(record.APIKeyUse(k.GetSpace(), k.GetId()), "", &recordv1.KeyUse{UseMicros: n.now()})
	return ignoreConditions(n.table.Commit(ctx, []table.Write{
		table.Check(record.APIKey(k.GetSpace(), k.GetId()), table.IfPresent),
		table.Put(use, table.Any),
	}))
}
