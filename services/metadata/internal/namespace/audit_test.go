package namespace_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// damage is one, what is found of it, and whether that is mended.
type damage struct {
	want   ledgerv1.Finding_Kind
	mended bool
	damage func(w *world, tree planted)
}

// damages are done to the planted records, each of a kind that an audit finds.
// mended tells whether a repair can undo it without losing anything.
var damages = map[string]damage{
	"a node that cannot be decoded": {ledgerv1.Finding_RECORD_CORRUPT, false, func(w *world, tree planted) {
		item := w.item(record.Node(testSpace, idOf(tree["/b"])))
		item.Value = []byte("\xff")
		w.force(table.Put(item, table.Any))
	}},
	"a node under another's key": {ledgerv1.Finding_RECORD_CORRUPT, false, func(w *world, tree planted) {
		item := w.item(record.Node(testSpace, idOf(tree["/b"])))
		item.Tag = "another"
		w.force(table.Put(item, table.Any))
	}},
	"an entry under another name": {ledgerv1.Finding_RECORD_CORRUPT, false, func(w *world, tree planted) {
		item := w.item(record.Entry(testSpace, record.Root, "b"))
		item.Key = record.Entry(testSpace, record.Root, "c")
		w.force(table.Put(item, table.Any))
	}},
	"a key that is none of ours": {ledgerv1.Finding_RECORD_CORRUPT, false, func(w *world, _ planted) {
		w.force(table.Put(table.Item{Key: table.Key{Partition: "Z#1", Sort: "x"}}, table.Any))
	}},
	"an entry is lost": {ledgerv1.Finding_ENTRY_MISMATCH, true, func(w *world, _ planted) {
		w.force(table.Delete(record.Entry(testSpace, record.Root, "b"), table.Any))
	}},
	"a node is lost": {ledgerv1.Finding_ENTRY_MISMATCH, true, func(w *world, tree planted) {
		w.force(table.Delete(record.Node(testSpace, idOf(tree["/b"])), table.Any))
	}},
	"a place in the trash is lost": {ledgerv1.Finding_TRASH_MISMATCH, true, func(w *world, tree planted) {
		w.force(table.Delete(record.Trash(testSpace, "trashedfile", idOf(tree["/trashedfile"])), table.Any))
	}},
	"a folder is lost": {ledgerv1.Finding_FOLDER_MISSING, false, func(w *world, tree planted) {
		w.force(
			table.Delete(record.Node(testSpace, idOf(tree["/a/sub"])), table.Any),
			table.Delete(record.Entry(testSpace, idOf(tree["/a"]), "sub"), table.Any))
	}},
	"a file with revisions is lost": {ledgerv1.Finding_REVISION_STRAY, false, func(w *world, tree planted) {
		w.force(
			table.Delete(record.Node(testSpace, idOf(tree["/a/f"])), table.Any),
			table.Delete(record.Entry(testSpace, idOf(tree["/a"]), "f"), table.Any))
	}},
	"a node lies in a file": {ledgerv1.Finding_FOLDER_MISSING, false, func(w *world, tree planted) {
		w.lie(tree["/a/f"], tree["/s"])
	}},
	"two folders lie in each other": {ledgerv1.Finding_FOLDER_CYCLE, false, func(w *world, tree planted) {
		w.alter(record.Node(testSpace, idOf(tree["/a"])), func(node *recordv1.Node) { node.Folder = idOf(tree["/a/sub"]) })
	}},
	"an entry says something else than its node": {ledgerv1.Finding_ENTRY_MISMATCH, true, func(w *world, _ planted) {
		w.alter(record.Entry(testSpace, record.Root, "s"), func(entry *recordv1.Node) { entry.Labels = map[string]string{"a": "b"} })
	}},
	"an entry has other bytes than its node": {ledgerv1.Finding_ENTRY_MISMATCH, false, func(w *world, _ planted) {
		w.alter(record.Entry(testSpace, record.Root, "s"), func(entry *recordv1.Node) {
			entry.Revision.Extents[0].BlobId[0]++
		})
	}},
	"a place in the trash says something else than its node": {ledgerv1.Finding_TRASH_MISMATCH, true, func(w *world, tree planted) {
		w.alter(record.Trash(testSpace, "trashedfile", idOf(tree["/trashedfile"])), func(entry *recordv1.Node) { entry.PurgeMicros++ })
	}},
	"nothing will remove a node from the trash": {ledgerv1.Finding_JOB_MISSING, true, func(w *world, _ planted) {
		w.force(w.dropJobs(recordv1.Job_PURGE)...)
	}},
	"nothing will remove a node that expires": {ledgerv1.Finding_JOB_MISSING, true, func(w *world, tree planted) {
		w.expire(tree["/b"])
		w.force(w.dropJobs(recordv1.Job_EXPIRE)...)
	}},
	"a node in the trash names no job": {ledgerv1.Finding_JOB_MISSING, false, func(w *world, tree planted) {
		id := idOf(tree["/trashedfile"])
		for _, key := range []table.Key{record.Node(testSpace, id), record.Trash(testSpace, "trashedfile", id)} {
			w.alter(key, func(node *recordv1.Node) { node.PurgeJob = "" })
		}
	}},
	"a counter of shared extents is too low": {ledgerv1.Finding_EXTENTS_MISCOUNTED, true, func(w *world, tree planted) {
		w.force(table.Put(table.Item{Key: w.counter(tree["/s"]), Tag: "1"}, table.Any))
	}},
	"a counter of shared extents is too high": {ledgerv1.Finding_EXTENTS_MISCOUNTED, true, func(w *world, tree planted) {
		w.force(table.Put(table.Item{Key: w.counter(tree["/s"]), Tag: "3"}, table.Any))
	}},
	"a counter of shared extents is lost": {ledgerv1.Finding_EXTENTS_MISCOUNTED, true, func(w *world, tree planted) {
		w.force(table.Delete(w.counter(tree["/s"]), table.Any))
	}},
	"a counter of extents that no revision has": {ledgerv1.Finding_EXTENTS_MISCOUNTED, false, func(w *world, tree planted) {
		w.force(table.Put(table.Item{Key: record.Share(testSpace, idOf(tree["/s"]), make([]byte, 16)), Tag: "2"}, table.Any))
	}},
	"a space has lost its head": {ledgerv1.Finding_SPACE_MISMATCH, false, func(w *world, _ planted) {
		w.force(table.Delete(record.Head(testSpace), table.Any))
	}},
	"a space has lost its root folder": {ledgerv1.Finding_SPACE_MISMATCH, false, func(w *world, _ planted) {
		w.force(table.Delete(record.Node(testSpace, record.Root), table.Any))
	}},
	"a space is in no index": {ledgerv1.Finding_SPACE_MISMATCH, true, func(w *world, _ planted) {
		w.force(table.Delete(record.SpaceIndex(testSpace), table.Any))
	}},
	"the index has a space that does not exist": {ledgerv1.Finding_SPACE_MISMATCH, false, func(w *world, _ planted) {
		w.force(table.Put(table.Item{Key: record.SpaceIndex("another")}, table.Any))
	}},
	"the index has a space that is deleted": {ledgerv1.Finding_SPACE_MISMATCH, true, func(w *world, _ planted) {
		if _, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true}); err != nil {
			w.t.Fatal(err)
		}
		w.force(table.Put(table.Item{Key: record.SpaceIndex(testSpace)}, table.Any))
	}},
	"an upload that nothing will collect": {ledgerv1.Finding_UPLOAD_STRAY, true, func(w *world, _ planted) {
		w.mustOpen(toPath("/upload"))
		w.force(w.dropJobs(recordv1.Job_UPLOAD)...)
		w.clock.Advance(25 * time.Hour)
	}},
	"a batch of extents that nobody has": {ledgerv1.Finding_EXTENTS_STRAY, false, func(w *world, _ planted) {
		id := uuid.New()
		batch := &recordv1.ExtentBatch{Extents: []*recordv1.Extent{{BlobId: id[:], Length: 1}}}
		w.force(table.Put(record.Item(record.ExtentBatch(testSpace, id[:], 0), "", batch), table.Any))
	}},
}

func idOf(f *metadatav1.File) string {
	name, err := resource.ParseFile("name", f.GetName())
	if err != nil {
		panic(err) // the harness made it
	}
	return name.ID
}

func (w *world) item(key table.Key) table.Item {
	w.t.Helper()
	item, err := w.table.Get(w.ctx, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return item
}

// force writes what no operation would.
func (w *world) force(writes ...table.Write) {
	w.t.Helper()
	if err := w.table.Commit(w.ctx, writes); err != nil {
		w.t.Fatal(err)
	}
}

// alter changes a node or a copy of one, and not its tag.
func (w *world) alter(key table.Key, change func(*recordv1.Node)) {
	w.t.Helper()
	item := w.item(key)
	node, err := record.DecodeNode(item)
	if err != nil {
		w.t.Fatal(err)
	}
	change(node)
	w.force(table.Put(record.Item(key, item.Tag, node), table.Any))
}

// counter returns the key of the only counter of shared extents of a file.
func (w *world) counter(f *metadatav1.File) table.Key {
	w.t.Helper()
	of := record.Node(testSpace, idOf(f)).Partition
	for item := range w.records() {
		if _, ok := record.CounterOf(item.Key); ok && item.Key.Partition == of {
			return item.Key
		}
	}
	w.t.Fatal("there is no counter")
	return table.Key{}
}

// expire has a node expire in an hour.
func (w *world) expire(f *metadatav1.File) {
	w.t.Helper()
	_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
		File:       &metadatav1.File{Name: f.GetName(), ExpireTime: timestamppb.New(w.clock.Now().Add(time.Hour))},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"expire_time"}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// dropJobs returns the writes that take away the jobs of a kind.
func (w *world) dropJobs(kind recordv1.Job_Kind) []table.Write {
	w.t.Helper()
	var writes []table.Write
	for item := range w.records() {
		job := new(recordv1.Job)
		if of, _ := record.KindOf(item.Key); of == record.KindJob && proto.Unmarshal(item.Value, job) == nil && job.GetKind() == kind {
			writes = append(writes, table.Delete(item.Key, table.Any))
		}
	}
	if len(writes) == 0 {
		w.t.Fatalf("there is no job of kind %v", kind)
	}
	return writes
}

// findings returns what an audit finds.
func (w *world) findings(repair bool) []*ledgerv1.Finding {
	w.t.Helper()
	var found []*ledgerv1.Finding
	for page := range w.auditPages(&ledgerv1.AuditRequest{Repair: repair, PageSize: 7}) {
		found = append(found, page.GetFindings()...)
	}
	return found
}

func allDamages() map[string]damage {
	all := maps.Clone(damages)
	maps.Copy(all, accessDamages)
	return all
}

// A finding of a kind that no damage shows is one that may never be told. Those of
// blobs and counters are an inspection's, which has a test like this.
func TestEveryKindOfFindingIsTold(t *testing.T) {
	told := map[ledgerv1.Finding_Kind]bool{ledgerv1.Finding_KIND_UNSPECIFIED: true}
	for _, c := range allDamages() {
		told[c.want] = true
	}
	for number, name := range ledgerv1.Finding_Kind_name {
		inspected := strings.HasPrefix(name, "BLOB_") || strings.HasPrefix(name, "USAGE_")
		if !inspected && !told[ledgerv1.Finding_Kind(number)] {
			t.Errorf("there is no damage that is told as %s", name)
		}
	}
}

// TestAuditFindsDamage holds that damage of each kind is found, that only a
// repair changes anything, and that it mends what can be mended.
func TestAuditFindsDamage(t *testing.T) {
	p := plant(t)
	for name, c := range allDamages() {
		t.Run(name, func(t *testing.T) {
			w := p.world(t)
			c.damage(w, p.tree)
			before := w.items()
			for range 2 { // looking changes nothing
				found := w.findings(false)
				if !slices.ContainsFunc(found, func(f *ledgerv1.Finding) bool { return f.GetKind() == c.want && !f.GetRepaired() }) {
					t.Errorf("want %v, found %v", c.want, found)
				}
			}
			if after := w.items(); len(after) != len(before) {
				t.Errorf("an audit made %d records of %d", len(after), len(before))
			}
			w.findings(true)
			left := w.findings(false)
			if c.mended != (len(left) == 0) {
				t.Errorf("after a repair: %v", left)
			}
		})
	}
}
