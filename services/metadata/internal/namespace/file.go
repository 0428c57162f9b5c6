package namespace

import (
	"context"
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/mediatype"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Bounds of labels.
const (
	maxLabels     = 64
	maxLabelBytes = 2 << 10 // keys and values together
)

// GetFile returns a node by its id: a live one that can be reached, or one that
// is in the trash itself.
func (n *Namespace) GetFile(ctx context.Context, req *metadatav1.GetFileRequest) (*metadatav1.File, error) {
	name, err := resource.ParseFile("name", req.GetName())
	if err != nil {
		return nil, err
	}
	node, _, err := n.node(ctx, name)
	if err != nil {
		return nil, err
	}
	return file(name.Space, node), nil
}

// node reads a node that the caller may see, and the head of a moment at which
// it was so.
func (n *Namespace) node(ctx context.Context, name resource.File) (*recordv1.Node, head, error) {
	// Known before the node is read: if the tree has this version afterwards too,
	// it had it when the node was read.
	version, known := n.tree.version(name.Space)
	node, err := n.nodeRecord(ctx, name)
	if err != nil {
		return nil, head{}, n.hide(ctx, name.Space, err)
	}
	for attempt := range maxAttempts {
		at := resource.File{Space: name.Space, ID: node.GetFolder()}
		if name.ID == record.Root || node.GetState() != recordv1.Node_LIVE {
			// Neither the root nor what is in the trash lies in a folder.
			at.ID = record.Root
		}
		read := node
		h, err := n.under(ctx, at, func() error {
			if s, ok := n.standing(at); ok && known && s.version == version {
				return nil
			}
			var err error
			read, err = n.nodeRecord(ctx, name)
			return err
		})
		if errors.Is(err, fault.NotFound) {
			// The folder is gone; the node may have left it, or gone to the trash, before.
			if read, err = n.nodeRecord(ctx, name); err != nil {
				return nil, head{}, n.hide(ctx, name.Space, err)
			}
			if read.GetEtag() == node.GetEtag() {
				return nil, head{}, n.hide(ctx, name.Space, notFound(name.String()))
			}
			node, known = read, false
			continue
		}
		if err != nil {
			return nil, head{}, err
		}
		if read.GetFolder() == node.GetFolder() && read.GetState() == node.GetState() {
			if now := n.now(); !visible(read, now) && !inTrash(read, now) {
				return nil, head{}, notFound(name.String())
			}
			return read, h, nil
		}
		node, known = read, false // moved between the two reads
		if err := pause(ctx, attempt); err != nil {
			return nil, head{}, err
		}
	}
	return nil, head{}, contended()
}

// hide returns err, unless the space is gone too: then that is the answer.
func (n *Namespace) hide(ctx context.Context, space string, err error) error {
	if _, headErr := n.head(ctx, space); headErr != nil {
		return headErr
	}
	return err
}

// LookupFile returns the node that a path leads to.
func (n *Namespace) LookupFile(ctx context.Context, req *metadatav1.LookupFileRequest) (*metadatav1.File, error) {
	in, err := resource.ParseSpace("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	node, err := n.lookup(ctx, in, req.GetPath())
	if err != nil {
		return nil, err
	}
	return file(in, node), nil
}

// lookup returns the node that a path leads to, NOT_FOUND when there is none.
func (n *Namespace) lookup(ctx context.Context, in, path string) (*recordv1.Node, error) {
	names, err := resource.Path("path", path)
	if err != nil {
		return nil, err
	}
	at, err := n.walk(ctx, in, names)
	if err != nil {
		return nil, err
	}
	if at.node == nil {
		return nil, pathNotFound(path)
	}
	return at.node, nil
}

func pathNotFound(path string) error {
	return fault.New(errorsv1.Reason_REASON_NOT_FOUND, "path %s not found", path)
}

// CreateFile makes a folder.
func (n *Namespace) CreateFile(ctx context.Context, req *metadatav1.CreateFileRequest) (*metadatav1.File, error) {
	asked := req.GetFile()
	in, err := resource.ParseSpace("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	if asked.GetKind() != metadatav1.File_FOLDER {
		return nil, fault.Invalidf("file.kind", "must be FOLDER; a file comes into being by an upload")
	}
	if asked.GetContentType() != "" {
		return nil, fault.Invalidf("file.content_type", "is not for folders")
	}
	displayName, err := resource.DisplayName("file.display_name", asked.GetDisplayName())
	if err != nil {
		return nil, err
	}
	folder, err := folderOf("file.folder", in, asked.GetFolder())
	if err != nil {
		return nil, err
	}
	if err := checkLabels(asked.GetLabels()); err != nil {
		return nil, err
	}
	if err := n.checkExpiry("file.expire_time", asked.GetExpireTime()); err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.File), func() ([]table.Write, *metadatav1.File, error) {
		var there *recordv1.Node
		_, err := n.under(ctx, folder, func() (err error) {
			there, err = n.entry(ctx, in, folder.ID, displayName)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		if there != nil && visible(there, n.now()) {
			return nil, nil, nameTaken(displayName)
		}
		made := n.newFolder(r.principal, folder.ID, displayName)
		made.Labels = asked.GetLabels()
		writes := append(n.setExpiry(in, made, micros(asked.GetExpireTime())), quota.Arrive(in))
		writes = append(writes, putEntry(in, made, freeName(there)), putNode(in, made, table.IfAbsent))
		return writes, file(in, made), nil
	})
}

func (n *Namespace) newFolder(principal, folder, displayName string) *recordv1.Node {
	now := n.now()
	return &recordv1.Node{
		Id: record.NewID(), Folder: folder, DisplayName: displayName,
		Kind: recordv1.Node_FOLDER, State: recordv1.Node_LIVE, Etag: record.NewEtag(),
		CreateMicros: now, UpdateMicros: now, Creator: principal,
	}
}

// folderOf reads the name of a folder in a space; empty is the root.
func folderOf(field, in, name string) (resource.File, error) {
	if name == "" {
		return resource.File{Space: in, ID: record.Root}, nil
	}
	folder, err := resource.ParseFile(field, name)
	if err == nil && folder.Space != in {
		err = fault.Invalidf(field, "must be in %s", resource.SpaceName(in))
	}
	return folder, err
}

func nameTaken(displayName string) error {
	return fault.New(errorsv1.Reason_REASON_ALREADY_EXISTS, "the name %q is taken", displayName)
}

// checkLabels returns INVALID_ARGUMENT for labels that are too many or too long.
func checkLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return fault.Invalidf("labels", "must not be more than %d", maxLabels)
	}
	total := 0
	for key, value := range labels {
		if key == "" {
			return fault.Invalidf("labels", "keys must not be empty")
		}
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return fault.Invalidf("labels", "must be UTF-8")
		}
		total += len(key) + len(value)
	}
	if total > maxLabelBytes {
		return fault.Invalidf("labels", "must not be longer than %d bytes together", maxLabelBytes)
	}
	return nil
}

// checkExpiry returns INVALID_ARGUMENT for an expiry that is not in the future.
// The epoch is not either: in records 0 is never, to a caller it is long ago.
func (n *Namespace) checkExpiry(field string, t *timestamppb.Timestamp) error {
	if t != nil && (!t.IsValid() || micros(t) <= n.now()) {
		return fault.Invalidf(field, "must be in the future")
	}
	return nil
}

// checkContentType returns INVALID_ARGUMENT for a content type that a node
// cannot have.
func checkContentType(node *recordv1.Node, contentType string) error {
	if node.GetKind() != recordv1.Node_FILE {
		return fault.Invalidf("content_type", "is not for folders")
	}
	return mediatype.Check(contentType)
}
