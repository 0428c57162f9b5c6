package namespace

import (
	"context"
	"errors"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/apikey"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Bootstrap makes the first administrator's API key, in a space, and returns its
// secret; once for a table, and then it returns the empty string. It is a key
// like any other, and revoked like one.
func (n *Namespace) Bootstrap(ctx context.Context, space string) (string, error) {
	for attempt := range maxAttempts {
		_, err := n.table.Get(ctx, record.BootstrapKey())
		if !errors.Is(err, table.ErrNotFound) {
			return "", err
		}
		h, err := n.head(ctx, space)
		if err != nil {
			return "", err
		}
		secret := apikey.New()
		hash, _ := apikey.Hash(secret) // it is one of ours
		first := &recordv1.Key{
			Id: record.NewID(), Space: space, DisplayName: "bootstrap", Scope: int32(metadatav1.Key_ADMINISTER),
			CreateMicros: n.now(), Creator: access.System.ID, Hash: hash[:],
		}
		err = n.table.Commit(ctx, append(putKey(h, first),
			table.Put(table.Item{Key: record.BootstrapKey()}, table.IfAbsent)))
		if err == nil {
			return secret, nil
		}
		if err := ignoreConditions(err); err != nil {
			return "", err
		}
		if err := pause(ctx, attempt); err != nil {
			return "", err
		}
	}
	return "", contended()
}
