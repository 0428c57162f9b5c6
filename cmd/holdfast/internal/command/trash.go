package command

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/internal/fault"
)

var nodeID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// findTrashed returns what was moved to the trash last of what an item means:
// an id, the path that it had, or, without a slash, its name. The path is
// empty when the folder that it was in is gone.
func (s *session) findTrashed(ctx context.Context, item string) (api.Path, *api.Node, error) {
	atlas := newAtlas(s.client)
	if nodeID.MatchString(item) {
		node, err := s.client.Node(ctx, s.client.Name(item))
		if err != nil {
			return "", nil, err
		}
		if node.DeleteTime.IsZero() {
			return "", nil, fault.New(fault.Conflict.Reason, "%s is not in the trash", item)
		}
		path, err := atlas.path(ctx, node)
		return path, node, err
	}

	wanted, err := api.ParsePath(item)
	if err != nil {
		return "", nil, err
	}
	_, name := wanted.Split()
	anywhere := !strings.Contains(item, "/")
	var found *api.Node
	var foundPath api.Path
	for node, err := range s.client.ListTrash(ctx) {
		if err != nil {
			return "", nil, err
		}
		if node.DisplayName != name || found != nil && !node.DeleteTime.After(found.DeleteTime) {
			continue
		}
		path, err := atlas.path(ctx, node)
		if err != nil {
			return "", nil, err
		}
		if anywhere || path == wanted {
			found, foundPath = node, path
		}
	}
	if found == nil {
		return "", nil, fault.New(fault.NotFound.Reason, "there is nothing of that name in the trash")
	}
	return foundPath, found, nil
}

// atlas finds the paths of nodes, and remembers those of folders.
type atlas struct {
	client *api.Client
	known  map[string]api.Path // by resource name; empty for a folder that is gone
}

// atlasFolders bounds what an atlas remembers.
const atlasFolders = 10_000

func newAtlas(client *api.Client) *atlas {
	return &atlas{client: client, known: map[string]api.Path{}}
}

// path returns where a node is, or was before it went to the trash; empty when
// the folder is gone.
func (a *atlas) path(ctx context.Context, node *api.Node) (api.Path, error) {
	if node.ID() == "root" {
		return api.Root, nil
	}
	folder, known := a.known[node.Folder]
	if !known {
		above, err := a.client.Node(ctx, node.Folder)
		switch {
		case errors.Is(err, fault.NotFound):
		case err != nil:
			return "", err
		default:
			if folder, err = a.path(ctx, above); err != nil {
				return "", err
			}
		}
		if len(a.known) >= atlasFolders {
			clear(a.known)
		}
		a.known[node.Folder] = folder
	}
	if folder == "" {
		return "", nil
	}
	return folder.Join(node.DisplayName), nil
}
