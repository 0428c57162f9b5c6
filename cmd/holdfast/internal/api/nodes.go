package api

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

// pageSize is the largest page that the server gives.
const pageSize = "1000"

// Lookup returns the node that a path leads to, or NOT_FOUND.
func (c *Client) Lookup(ctx context.Context, path Path) (*Node, error) {
	query := url.Values{"path": {string(path)}}
	return c.readNode(ctx, c.resource(c.space)+"/files:lookup?"+query.Encode())
}

// Node returns a node by its resource name, also one in the trash.
func (c *Client) Node(ctx context.Context, name string) (*Node, error) {
	return c.readNode(ctx, c.resource(name))
}

// Name returns the resource name of a node's id.
func (c *Client) Name(id string) string { return c.space + "/files/" + url.PathEscape(id) }

// CreateFolder creates a folder in a folder, or reports ALREADY_EXISTS.
func (c *Client) CreateFolder(ctx context.Context, folder *Node, displayName string) (*Node, error) {
	in := map[string]any{"displayName": displayName, "kind": KindFolder, "folder": folder.Name}
	return c.writeNode(ctx, http.MethodPost, c.resource(c.space)+"/files", "", in)
}

// Move puts a node into a folder under a name, in one step. ALREADY_EXISTS
// when the name is taken, PRECONDITION_FAILED when the node changed since.
func (c *Client) Move(ctx context.Context, node, folder *Node, displayName string) (*Node, error) {
	in := map[string]any{"folder": folder.Name, "displayName": displayName, "etag": node.ETag}
	return c.writeNode(ctx, http.MethodPost, c.resource(node.Name)+":move", "", in)
}

// Trash moves a node to the trash, a folder with all that is in it.
// PRECONDITION_FAILED when it changed since.
func (c *Client) Trash(ctx context.Context, node *Node) (*Node, error) {
	return c.writeNode(ctx, http.MethodDelete, c.resource(node.Name), node.ETag, nil)
}

// Undelete takes a node out of the trash to where it was, or, when folder is
// not nil, into that folder under displayName.
func (c *Client) Undelete(ctx context.Context, node, folder *Node, displayName string) (*Node, error) {
	in := map[string]any{}
	if folder != nil {
		in["folder"], in["displayName"] = folder.Name, displayName
	}
	return c.writeNode(ctx, http.MethodPost, c.resource(node.Name)+":undelete", "", in)
}

// Purge removes a node from the trash for good.
func (c *Client) Purge(ctx context.Context, node *Node) error {
	return c.write(ctx, http.MethodPost, c.resource(node.Name)+":purge", "", map[string]any{}, nil)
}

// List returns what is in a folder by name, page by page. After an error,
// which comes last, the sequence ends.
func (c *Client) List(ctx context.Context, folder *Node) iter.Seq2[*Node, error] {
	return c.list(ctx, url.Values{"folder": {folder.Name}})
}

// ListTrash returns what was moved to the trash, page by page, as List does.
func (c *Client) ListTrash(ctx context.Context) iter.Seq2[*Node, error] {
	return c.list(ctx, url.Values{"trashed": {"true"}})
}

func (c *Client) list(ctx context.Context, query url.Values) iter.Seq2[*Node, error] {
	type page struct {
		Items []*Node `json:"files"`
		Token string  `json:"nextPageToken"`
	}
	return pages(query, func(query string) ([]*Node, string, error) {
		var p page
		err := c.read(ctx, c.resource(c.space)+"/files?"+query, &p)
		return p.Items, p.Token, err
	})
}

// Revision returns the revision of a file that has an id.
func (c *Client) Revision(ctx context.Context, file *Node, id string) (*Revision, error) {
	revision := new(Revision)
	return revision, c.read(ctx, c.resource(file.Name)+"/revisions/"+url.PathEscape(id), revision)
}

// Revisions returns the revisions of a file, newest first, page by page.
func (c *Client) Revisions(ctx context.Context, file *Node) iter.Seq2[*Revision, error] {
	type page struct {
		Items []*Revision `json:"revisions"`
		Token string      `json:"nextPageToken"`
	}
	return pages(url.Values{}, func(query string) ([]*Revision, string, error) {
		var p page
		err := c.read(ctx, c.resource(file.Name)+"/revisions?"+query, &p)
		return p.Items, p.Token, err
	})
}

// pages calls fetch for page after page. A page may be short, even empty; only
// one without a token is the last.
func pages[T any](query url.Values, fetch func(query string) (items []T, token string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query.Set("pageSize", pageSize)
		for token := ""; ; {
			query.Del("pageToken")
			if token != "" {
				query.Set("pageToken", token)
			}
			items, next, err := fetch(query.Encode())
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}

func (c *Client) readNode(ctx context.Context, url string) (*Node, error) {
	node := new(Node)
	if err := c.read(ctx, url, node); err != nil {
		return nil, err
	}
	return node, nil
}

func (c *Client) writeNode(ctx context.Context, method, url, etag string, in any) (*Node, error) {
	node := new(Node)
	if err := c.write(ctx, method, url, etag, in, node); err != nil {
		return nil, err
	}
	return node, nil
}
