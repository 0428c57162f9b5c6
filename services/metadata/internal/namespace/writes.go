package namespace

import (
	"fmt"

	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// openTag is the tag of an intent that has not been given up or claimed: what
// fences a commit off from the sweeper.
const openTag = "open"

// putNode returns the write of the node itself.
func putNode(space string, node *recordv1.Node, cond table.Cond) table.Write {
	return table.Put(record.Item(record.Node(space, node.GetId()), node.GetEtag(), node), cond)
}

// putEntry returns the write of the copy of a node under its name.
func putEntry(space string, node *recordv1.Node, cond table.Cond) table.Write {
	key := record.Entry(space, node.GetFolder(), node.GetDisplayName())
	return table.Put(record.Item(key, node.GetEtag(), node), cond)
}

// putRevision returns the write of a revision that is not the current one.
func putRevision(space, node string, r *recordv1.Revision) table.Write {
	return table.Put(record.Item(record.Revision(space, node, r.GetId()), record.NewEtag(), r), table.IfAbsent)
}

// replace returns the writes that put a changed node in the place of the one
// that was read: same folder, same name.
func replace(space string, read, changed *recordv1.Node) []table.Write {
	was := table.IfTag(read.GetEtag())
	return []table.Write{putNode(space, changed, was), putEntry(space, changed, was)}
}

// dropEntry returns the write that frees the name of a node that was read.
func dropEntry(space string, read *recordv1.Node) table.Write {
	key := record.Entry(space, read.GetFolder(), read.GetDisplayName())
	return table.Delete(key, table.IfTag(read.GetEtag()))
}

// dropNode returns the write that removes a node that was read.
func dropNode(space string, read *recordv1.Node) table.Write {
	return table.Delete(record.Node(space, read.GetId()), table.IfTag(read.GetEtag()))
}

// freeName returns the condition under which a name may be taken: no entry, or
// the entry of a node that has expired.
func freeName(entry *recordv1.Node) table.Cond {
	if entry == nil {
		return table.IfAbsent
	}
	return table.IfTag(entry.GetEtag())
}

// newJob returns the write of a job, and its key.
func newJob(job *recordv1.Job, id string) (table.Write, table.Key) {
	key := record.Job(job.GetDueMicros(), id)
	tag := record.NewEtag()
	if job.GetIntent() {
		tag = openTag
	}
	return table.Put(record.Item(key, tag, job), table.IfAbsent), key
}

// dropBlobs returns the writes that let the blobs of revisions go once the
// retention is over; none when there are no bytes.
func (n *Namespace) dropBlobs(space string, revisions ...*recordv1.Revision) []table.Write {
	var extents []*recordv1.Extent
	var lists []*recordv1.ExtentList
	seen := make(map[string]bool)
	for _, r := range revisions {
		extents = append(extents, r.GetExtents()...)
		for _, run := range r.GetLists() {
			if id := fmt.Sprintf("%x#%d", run.GetId(), run.GetFirst()); !seen[id] {
				seen[id] = true
				lists = append(lists, run)
			}
		}
	}
	return n.dropContents(space, lists, extents)
}

// jobRef returns the key of a job as text, to be kept within its node.
func jobRef(key table.Key) string { return key.Partition + "|" + key.Sort }
