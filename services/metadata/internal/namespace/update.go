package namespace

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// UpdateFile changes the display name, content type, labels or expiry of a
// live node.
func (n *Namespace) UpdateFile(ctx context.Context, req *metadatav1.UpdateFileRequest) (*metadatav1.File, error) {
	asked := req.GetFile()
	name, err := resource.ParseFile("file.name", asked.GetName())
	if err != nil {
		return nil, err
	}
	fields, err := maskOf(req.GetUpdateMask(), asked, "display_name", "content_type", "labels", "expire_time")
	if err != nil {
		return nil, err
	}
	displayName := ""
	if fields["display_name"] {
		if displayName, err = resource.DisplayName("file.display_name", asked.GetDisplayName()); err != nil {
			return nil, err
		}
	}
	if err := checkLabels(asked.GetLabels()); err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.File), func() ([]table.Write, *metadatav1.File, error) {
		node, h, err := n.live(ctx, name, asked.GetEtag())
		if err != nil {
			return nil, nil, err
		}
		changed := n.changed(node)
		if fields["display_name"] {
			changed.DisplayName = displayName
		}
		if fields["labels"] {
			changed.Labels = asked.GetLabels()
		}
		if fields["content_type"] {
			// "*" names all fields, also the one that folders do not have.
			if node.GetKind() == recordv1.Node_FILE || asked.GetContentType() != "" {
				if err := checkContentType(node, asked.GetContentType()); err != nil {
					return nil, nil, err
				}
				if err := quota.CheckType(h.space.GetQuota(), asked.GetContentType()); err != nil {
					return nil, nil, err
				}
				changed.Revision.ContentType = asked.GetContentType()
			}
		}
		if fields["expire_time"] {
			if err := n.checkExpiry("file.expire_time", asked.GetExpireTime()); err != nil {
				return nil, nil, err
			}
		}
		var writes []table.Write
		if fields["expire_time"] && micros(asked.GetExpireTime()) != node.GetExpireMicros() {
			writes = n.setExpiry(name.Space, changed, micros(asked.GetExpireTime()))
		}
		if len(writes) == 0 && sameButForTime(changed, node) {
			return nil, file(name.Space, node), nil
		}
		structural := len(writes) > 0 || changed.GetDisplayName() != node.GetDisplayName()
		if node.GetKind() == recordv1.Node_FOLDER && structural {
			writes = append(writes, raiseTree(h))
		}
		placed, err := n.rewrite(ctx, name.Space, node, changed)
		if err != nil {
			return nil, nil, n.confirm(ctx, name, node, h, err)
		}
		return append(writes, placed...), file(name.Space, changed), nil
	})
}

// live reads a node that is to be changed: a live one, not the root, whose etag
// matches the given one. What is in the trash is CONFLICT.
func (n *Namespace) live(ctx context.Context, name resource.File, etag string) (*recordv1.Node, head, error) {
	if name.ID == record.Root {
		return nil, head{}, fault.Invalidf("name", "the root folder cannot be changed")
	}
	node, h, err := n.node(ctx, name)
	if err != nil {
		return nil, head{}, err
	}
	if !resource.EtagMatches(etag, node.GetEtag()) {
		return nil, head{}, etagMismatch(name.String())
	}
	if node.GetState() != recordv1.Node_LIVE {
		return nil, head{}, fault.New(errorsv1.Reason_REASON_CONFLICT, "%s is in the trash", name)
	}
	return node, h, nil
}

// confirm returns err if the node and the tree are still as they were read, so
// that err is the truth of one moment, and errUnsettled if they are not: a
// refusal rests on several reads, and no condition of a commit holds them
// together.
func (n *Namespace) confirm(ctx context.Context, name resource.File, read *recordv1.Node, h head, err error) error {
	switch fault.ReasonOf(err) {
	case errorsv1.Reason_REASON_NOT_FOUND, errorsv1.Reason_REASON_ALREADY_EXISTS, errorsv1.Reason_REASON_CONFLICT:
	default:
		return err
	}
	now, readErr := n.nodeRecord(ctx, name)
	if errors.Is(readErr, fault.NotFound) {
		return errUnsettled
	}
	if readErr != nil {
		return readErr
	}
	after, readErr := n.head(ctx, name.Space)
	if readErr != nil {
		return readErr
	}
	if now.GetEtag() != read.GetEtag() || after.version() != h.version() {
		return errUnsettled
	}
	return err
}

// changed returns a copy of a node with a new etag and update time.
func (n *Namespace) changed(node *recordv1.Node) *recordv1.Node {
	c := clone(node)
	c.Etag = record.NewEtag()
	c.UpdateMicros = max(n.now(), node.GetUpdateMicros()+1)
	return c
}

// sameButForTime reports whether a change changes nothing, and so must not make the
// etag that others hold a wrong one.
func sameButForTime(changed, node *recordv1.Node) bool {
	same := clone(changed)
	same.Etag, same.UpdateMicros = node.GetEtag(), node.GetUpdateMicros()
	return proto.Equal(same, node)
}

// rewrite returns the writes that put a changed node in the place of the one
// that was read, under its new name if that has changed. A name that is taken
// is ALREADY_EXISTS.
func (n *Namespace) rewrite(ctx context.Context, in string, read, changed *recordv1.Node) ([]table.Write, error) {
	if read.GetFolder() == changed.GetFolder() && read.GetDisplayName() == changed.GetDisplayName() {
		return replace(in, read, changed), nil
	}
	there, err := n.entry(ctx, in, changed.GetFolder(), changed.GetDisplayName())
	if err != nil {
		return nil, err
	}
	if there != nil && visible(there, n.now()) {
		return nil, nameTaken(changed.GetDisplayName())
	}
	return []table.Write{
		dropEntry(in, read),
		putEntry(in, changed, freeName(there)),
		putNode(in, changed, table.IfTag(read.GetEtag())),
	}, nil
}

// setExpiry sets the expiry of a node that is about to be written and returns
// the writes of the job that will remove it, and of dropping the former one.
func (n *Namespace) setExpiry(in string, node *recordv1.Node, expireMicros int64) []table.Write {
	var writes []table.Write
	if node.GetExpireJob() != "" {
		writes = append(writes, table.Delete(jobKey(node.GetExpireJob()), table.Any))
		node.ExpireJob = ""
	}
	node.ExpireMicros = expireMicros
	if expireMicros != 0 {
		write, key := newJob(&recordv1.Job{
			Kind: recordv1.Job_EXPIRE, Space: in, Node: node.GetId(), DueMicros: expireMicros,
		}, record.NewID())
		node.ExpireJob = jobRef(key)
		writes = append(writes, write)
	}
	return writes
}

// jobKey is the inverse of jobRef.
func jobKey(ref string) table.Key {
	partition, sort, _ := strings.Cut(ref, "|")
	return table.Key{Partition: partition, Sort: sort}
}
