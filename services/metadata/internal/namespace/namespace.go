// Package namespace is metadata's domain: spaces, files and folders, their
// names and places, revisions, the trash, uploads and the jobs that collect
// what is gone. It is written once, above the table port.
//
// Two rules carry it. Every change is one atomic commit whose conditions are
// what the decision was based on, so a decision that has gone stale is made
// again. And whether a folder can be reached is known under the space's tree
// version: each change of an existing folder's name, place or state raises it,
// so an answer is right if the version did not change meanwhile.
package namespace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/seal"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Config is what a Namespace needs. All fields but Secret, Identified and
// BootstrapHash are required.
type Config struct {
	Table  table.Table
	Now    func() time.Time
	Logger *slog.Logger
	// Secret seals grants and page tokens; the one in the table when empty. Of
	// several, with white space between them, the first seals and each opens.
	Secret string
	// Identified tells that callers have to say who they are.
	Identified bool
	// BootstrapHash is the SHA-256 of the bootstrap key, empty for none.
	BootstrapHash []byte
	// TrashRetention is how long a node stays in the trash.
	TrashRetention time.Duration
	// UploadLifetime is how long an upload may take from begin to commit.
	UploadLifetime time.Duration
	// UploadExpiry is how long a resumable upload waits for its next byte.
	UploadExpiry time.Duration
	// BlobRetention is how long a blob stays after its last record is gone.
	BlobRetention time.Duration
	// Grace is longer than any request lives: what a request that crossed a
	// removal may have left is collected after it.
	Grace time.Duration
	// MaxOpenUploads is how many resumable uploads one principal may have open; 0
	// for no bound.
	MaxOpenUploads int64
}

// Namespace implements the services of metadata. Safe for concurrent use, and
// any number of them may work on one table.
type Namespace struct {
	metadatav1.UnimplementedSpaceServiceServer
	metadatav1.UnimplementedFileServiceServer
	metadatav1.UnimplementedMemberServiceServer
	metadatav1.UnimplementedKeyServiceServer
	metadatav1.UnimplementedUploadServiceServer
	metadatav1.UnimplementedShareServiceServer
	ledgerv1.UnimplementedLedgerServiceServer

	config Config
	table  table.Table
	tree   *tree
	turns  *turns
	key    seal.Ring

	heads    *lru.Cache[string, knownHead] // by the id of their space
	roles    *lru.Cache[roleKey, standingRole]
	keys     *lru.Cache[string, *knownKey] // by the hash of their secret
	keysUsed chan *recordv1.Key

	passwords *passwords // of shares
}

// New returns the namespace that the table holds, of which it asks nothing yet:
// see Load.
func New(config Config) (*Namespace, error) {
	for name, d := range map[string]time.Duration{
		"trash retention": config.TrashRetention,
		"upload lifetime": config.UploadLifetime,
		"upload expiry":   config.UploadExpiry,
		"grace":           config.Grace,
	} {
		if d <= 0 {
			return nil, fmt.Errorf("namespace: %s must be positive", name)
		}
	}
	n := &Namespace{
		config: config, table: config.Table, tree: newTree(), turns: newTurns(),
		heads:    newLRU[string, knownHead](rememberedHeads),
		roles:    newLRU[roleKey, standingRole](rememberedRoles),
		keys:     newLRU[string, *knownKey](rememberedKeys),
		keysUsed: make(chan *recordv1.Key, keyUsesWaiting),

		passwords: newPasswords(config.Now),
	}
	if config.MaxOpenUploads < 0 {
		return nil, errors.New("namespace: max open uploads must not be negative")
	}
	if config.Secret != "" {
		if n.key = seal.RingOf(config.Secret); len(n.key) == 0 {
			return nil, errors.New("namespace: the secret is white space")
		}
	}
	return n, nil
}

// Load reads the table's secret, which it makes when there is none, before the
// first call; with a Config.Secret it only makes sure that the table answers.
func (n *Namespace) Load(ctx context.Context) error {
	if n.config.Secret != "" {
		_, err := n.table.Get(ctx, record.SecretKey())
		if errors.Is(err, table.ErrNotFound) {
			err = nil
		}
		return err
	}
	secret := table.Item{Key: record.SecretKey()}
	fresh := seal.NewKey()
	secret.Value = fresh[:]
	err := n.table.Commit(ctx, []table.Write{table.Put(secret, table.IfAbsent)})
	if conflict := (*table.ConditionError)(nil); err != nil && !errors.As(err, &conflict) {
		return fmt.Errorf("namespace: write secret: %w", err)
	}
	stored, err := n.table.Get(ctx, record.SecretKey())
	if err != nil {
		return fmt.Errorf("namespace: read secret: %w", err)
	}
	if len(stored.Value) != seal.KeyBytes {
		return fault.New(errorsv1.Reason_REASON_DATA_LOSS, "namespace: the secret has %d bytes", len(stored.Value))
	}
	n.key = seal.Ring{seal.Key(stored.Value)}
	return nil
}

// now returns the time in microseconds since the Unix epoch.
func (n *Namespace) now() int64 { return n.config.Now().UnixMicro() }

// head is a space as one read found it. Others may have the same; nobody changes it.
type head struct {
	space *recordv1.Space
	tag   string
}

// knownHead is a space as its record says.
type knownHead struct {
	record []byte
	space  *recordv1.Space
}

// rememberedHeads are the spaces that are remembered.
const rememberedHeads = 1 << 14

func (h head) version() int64 { return h.space.GetTreeVersion() }

// head reads a space. One that is deleted is NOT_FOUND, as is one that never was.
func (n *Namespace) head(ctx context.Context, space string) (head, error) {
	h, err := n.anyHead(ctx, space)
	if err == nil && h.space.GetState() != recordv1.Space_LIVE {
		err = notFound("spaces/" + space)
	}
	return h, err
}

// anyHead reads a space, deleted or not. Its record is read every time; what is
// remembered is only what the same bytes say.
func (n *Namespace) anyHead(ctx context.Context, space string) (head, error) {
	item, err := n.table.Get(ctx, record.Head(space))
	if errors.Is(err, table.ErrNotFound) {
		return head{}, notFound("spaces/" + space)
	}
	if err != nil {
		return head{}, err
	}
	if known, ok := n.heads.Get(space); ok && bytes.Equal(known.record, item.Value) {
		return head{space: known.space, tag: item.Tag}, nil
	}
	read := knownHead{record: item.Value, space: new(recordv1.Space)}
	if err := record.Decode(item, read.space); err != nil {
		return head{}, err
	}
	n.heads.Add(space, read)
	return head{space: read.space, tag: item.Tag}, nil
}

// putHead returns the write that replaces a head under the condition that it is
// as it was read. Its tag is fresh, so that every change is noticed.
func putHead(read head, space *recordv1.Space) table.Write {
	return table.Put(record.Item(record.Head(space.GetId()), record.NewEtag(), space), table.IfTag(read.tag))
}

// raiseTree returns the write that raises the tree version of a space.
func raiseTree(read head) table.Write {
	space := clone(read.space)
	space.TreeVersion++
	return putHead(read, space)
}

// holdTree returns the condition that the tree is as it was read.
func holdTree(read head) table.Write {
	return table.Check(record.Head(read.space.GetId()), table.IfTag(read.tag))
}

func notFound(name string) error {
	return fault.New(errorsv1.Reason_REASON_NOT_FOUND, "%s not found", name)
}

// passed reports whether a time in microseconds, 0 for never, has come.
func passed(micros, now int64) bool { return micros != 0 && micros <= now }

// visible reports whether a node can be seen under its name.
func visible(node *recordv1.Node, now int64) bool {
	return node.GetState() == recordv1.Node_LIVE && !passed(node.GetExpireMicros(), now)
}

// inTrash reports whether a node is in the trash and may still come back.
func inTrash(node *recordv1.Node, now int64) bool {
	return node.GetState() == recordv1.Node_TRASHED &&
		!passed(node.GetPurgeMicros(), now) && !passed(node.GetExpireMicros(), now)
}
