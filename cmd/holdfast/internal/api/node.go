package api

import (
	"strings"
	"time"
)

// Kind tells files from folders.
type Kind string

// The kinds of nodes.
const (
	KindFile   Kind = "FILE"
	KindFolder Kind = "FOLDER"
)

// Node is a file or folder as the REST contract shows it
// (holdfast.metadata.v1.File).
type Node struct {
	Name        string            `json:"name"`
	DisplayName string            `json:"displayName,omitempty"`
	Folder      string            `json:"folder,omitempty"`
	Kind        Kind              `json:"kind"`
	SizeBytes   int64             `json:"sizeBytes,string"`
	ContentType string            `json:"contentType,omitempty"`
	SHA256      string            `json:"sha256,omitempty"`
	Revision    string            `json:"revision,omitempty"`
	ETag        string            `json:"etag,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	CreateTime  time.Time         `json:"createTime,omitzero"`
	UpdateTime  time.Time         `json:"updateTime,omitzero"`
	DeleteTime  time.Time         `json:"deleteTime,omitzero"`
	PurgeTime   time.Time         `json:"purgeTime,omitzero"`
	ExpireTime  time.Time         `json:"expireTime,omitzero"`
	Creator     string            `json:"creator,omitempty"`
}

// Located is a node with its path; the path is empty when it is not known.
type Located struct {
	Path Path `json:"path"`
	*Node
}

// IsFolder reports whether the node is a folder.
func (n *Node) IsFolder() bool { return n.Kind == KindFolder }

// ID returns the last segment of the node's resource name.
func (n *Node) ID() string { return lastSegment(n.Name) }

// Revision is one immutable content of a file (holdfast.metadata.v1.Revision).
type Revision struct {
	Name        string    `json:"name"`
	SizeBytes   int64     `json:"sizeBytes,string"`
	ContentType string    `json:"contentType,omitempty"`
	SHA256      string    `json:"sha256,omitempty"`
	CreateTime  time.Time `json:"createTime,omitzero"`
	Creator     string    `json:"creator,omitempty"`
}

// ID returns the last segment of the revision's resource name, which is also
// the ETag of its contents.
func (r *Revision) ID() string { return lastSegment(r.Name) }

func lastSegment(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
