package rest

import (
	"net/url"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// uploadTarget says where an upload goes: into a folder, given by its resource
// name or its path, under a name; or to the path of a file. What is empty is
// open: then it is the root folder, and the id of the upload as the name.
type uploadTarget struct {
	space  string
	folder string // resource name
	path   string // of the folder when name is set or it ends in "/", else of the file
	name   string
}

// uploadTarget reads where an upload goes. The query says most, then tus's
// metadata, then, for the name, Content-Disposition. The path in the query is
// the file's unless it ends in "/" or displayName is there too; the one in the
// metadata is the folder's when there is a filename.
func (x *exchange) uploadTarget(meta header.TusMetadata) (uploadTarget, error) {
	t := uploadTarget{space: x.params.spaceName()}
	query, err := parseQuery(x.r.URL.RawQuery, "path", "folder", "displayName")
	if err != nil {
		return t, err
	}
	name, err := offeredName(x, query, meta)
	if err != nil {
		return t, err
	}
	t.folder, t.path = query.Get("folder"), query.Get("path")
	whole := t.path != "" && !strings.HasSuffix(t.path, "/") && !query.Has("displayName")
	if t.folder == "" && t.path == "" {
		t.folder, t.path = meta["folder"], meta["path"]
	}
	if !whole {
		t.name = name
	}
	if t.path == "/" && t.name == "" {
		t.path = ""
	}
	return t, t.check()
}

// offeredName returns the name that the client has for the file.
func offeredName(x *exchange, query url.Values, meta header.TusMetadata) (string, error) {
	if query.Has("displayName") {
		return query.Get("displayName"), nil
	}
	if name := meta["filename"]; name != "" {
		return name, nil
	}
	return header.ParseDispositionName(x.r.Header["Content-Disposition"])
}

// check refuses what is no place. The rest of the rules for names is metadata's.
func (t *uploadTarget) check() error {
	if t.folder != "" && t.path != "" {
		return fault.Invalidf("folder", "one of folder and path is enough")
	}
	if t.folder != "" && !strings.HasPrefix(t.folder, t.space+"/files/") {
		return fault.Invalidf("folder", "want the resource name of a folder in %s", t.space)
	}
	if t.path != "" {
		folder := strings.TrimSuffix(t.path, "/")
		if folder != "" {
			if err := checkFolderPath(folder); err != nil {
				return err
			}
		}
		if t.name == "" && folder != t.path {
			return fault.Invalidf("path", "%q is the path of a folder, and there is no name for the file", clip(t.path))
		}
	}
	if t.name != "" {
		return checkName(t.name)
	}
	return nil
}

// fill sets the target of a request.
func (t *uploadTarget) fill(req *storagev1.CreateUploadRequest) {
	switch {
	case t.path != "":
		path := t.path
		if t.name != "" {
			path = strings.TrimSuffix(path, "/") + "/" + t.name
		}
		req.Target = &storagev1.CreateUploadRequest_Path{Path: &storagev1.PathTarget{Space: t.space, Path: path}}
	case t.folder != "" || t.name != "":
		folder := t.folder
		if folder == "" {
			folder = t.space + "/files/root"
		}
		req.Target = &storagev1.CreateUploadRequest_Child{Child: &storagev1.ChildTarget{Folder: folder, DisplayName: t.name}}
	}
}
