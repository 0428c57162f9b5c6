package namespace_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

var historyOperations = flag.Int("history-operations", 6_000, "operations that TestHistories checks")

const (
	historyClients = 8
	// perHistory is how long one history is; checking takes time that grows
	// steeply with the length, so many short histories are checked.
	perHistory = 64
)

// yieldingTable lets others run at every call, so that operations overlap and
// interleave in ways that a quiet machine would not show.
type yieldingTable struct{ table.Table }

func yield() {
	for range rand.IntN(4) {
		runtime.Gosched()
	}
}

func (y yieldingTable) Get(ctx context.Context, key table.Key) (table.Item, error) {
	yield()
	defer yield()
	return y.Table.Get(ctx, key)
}

func (y yieldingTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	yield()
	defer yield()
	return y.Table.Query(ctx, q)
}

func (y yieldingTable) Commit(ctx context.Context, writes []table.Write) error {
	yield()
	defer yield()
	return y.Table.Commit(ctx, writes)
}

// TestHistories lets clients work on the same few names of a space and checks
// that what each was answered can be explained by an order of the operations in
// which one at a time took place. The clients share two processes: what one
// remembers, the other may have changed.
func TestHistories(t *testing.T) {
	w := newWorld(t)
	processes := []*world{w.beside(w.ctx, yieldingTable{w.table}), w.beside(w.ctx, yieldingTable{w.table})}
	histories := (*historyOperations + perHistory - 1) / perHistory
	var total, overlapping int
	byAction := make(map[action]int)
	for i := range histories {
		events := recordHistory(t, processes, fmt.Sprintf("h%07d", i))
		result, info := porcupine.CheckOperationsVerbose(historyModel, events, 0)
		if result != porcupine.Ok {
			path := t.ArtifactDir() + "/history.html"
			err := porcupine.VisualizePath(historyModel, info, path)
			t.Fatalf("history %d is %v (picture: %s %v):\n%s", i, result, path, err, describe(events))
		}
		total += len(events)
		overlapping += overlaps(events)
		for _, e := range events {
			byAction[e.Input.(asked).do]++
		}
	}
	w.audit()
	w.auditTree()
	t.Logf("%d operations of %d clients in %d histories, %d %% of them overlapping; by action: %v",
		total, historyClients, histories, overlapping*100/total, byAction)
	if overlapping*10 < total*3 {
		t.Errorf("only %d of %d operations overlap: the histories prove little", overlapping, total)
	}
}

// recordHistory lets clients work in a fresh folder, which is the root of the
// model.
func recordHistory(t *testing.T, processes []*world, name string) []porcupine.Operation {
	top := processes[0].mkdir(root, name)
	ids := &knownIDs{ids: []string{top.GetName()}}
	var clock atomic.Int64
	var mu sync.Mutex
	var events []porcupine.Operation
	var clients sync.WaitGroup
	for client := range historyClients {
		clients.Go(func() {
			for range perHistory / historyClients {
				in := ids.pick()
				call := clock.Add(1)
				out := perform(processes[client%len(processes)], in, name)
				done := clock.Add(1)
				if fault.Internal.Reason == out.reason || out.reason == errorsv1.Reason_REASON_UNAVAILABLE {
					t.Errorf("%+v -> %v", in, out.reason)
				}
				ids.add(out.id)
				mu.Lock()
				events = append(events, porcupine.Operation{
					ClientId: client, Input: in.under(top.GetName()), Output: out.under(top.GetName()), Call: call, Return: done,
				})
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	return events
}

// under replaces the folder of the history by the model's root.
func (in asked) under(top string) asked {
	if in.folder == top {
		in.folder = root
	}
	return in
}

func (out answered) under(top string) answered {
	if out.node.folder == top {
		out.node.folder = root
	}
	return out
}

// knownIDs are the nodes that clients have seen; the first is the top folder.
type knownIDs struct {
	mu  sync.Mutex
	ids []string
}

func (k *knownIDs) add(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id != "" && !slices.Contains(k.ids, id) {
		k.ids = append(k.ids, id)
	}
}

// pick makes up an operation on the few names and nodes that there are.
func (k *knownIDs) pick() asked {
	k.mu.Lock()
	defer k.mu.Unlock()
	names := []string{"a", "b", "c"}
	name := func() string { return names[rand.IntN(len(names))] }
	in := asked{
		do:      action(rand.IntN(int(actions))),
		name:    name(),
		folder:  k.ids[rand.IntN(min(len(k.ids), 6))],
		path:    "/" + name(),
		content: fmt.Sprint(rand.IntN(1000)),
	}
	for rand.IntN(2) == 0 {
		in.path += "/" + name()
	}
	if len(k.ids) == 1 {
		in.do = action(rand.IntN(3))
		return in
	}
	in.id = k.ids[1+rand.IntN(min(len(k.ids)-1, 8))]
	return in
}

func perform(w *world, in asked, top string) answered {
	var found *metadatav1.File
	var out answered
	var err error
	switch in.do {
	case putFile:
		spec := &storagev1.UploadSpec{Target: &storagev1.UploadSpec_Child{
			Child: &storagev1.ChildTarget{Folder: in.folder, DisplayName: in.name},
		}, ContentType: "text/x" + in.content}
		var response interface {
			GetFile() *metadatav1.File
			GetCreated() bool
		}
		response, err = w.upload(spec, "")
		if err == nil {
			out.created, out.id = response.GetCreated(), response.GetFile().GetName()
		}
	case makeDir:
		found, err = w.CreateFile(w.ctx, &metadatav1.CreateFileRequest{Parent: parent, File: &metadatav1.File{
			DisplayName: in.name, Kind: metadatav1.File_FOLDER, Folder: in.folder,
		}})
	case lookUp:
		found, err = w.look("/" + top + in.path)
	case getNode:
		found, err = w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: in.id})
	case moveNode:
		found, err = w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{Name: in.id, Folder: in.folder, DisplayName: in.name})
	case trashNode:
		found, err = w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: in.id})
	case bringBack:
		found, err = w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: in.id})
	case purgeNode:
		_, err = w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: in.id})
	case listDir:
		var page *metadatav1.ListFilesResponse
		page, err = w.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Folder: in.folder, PageSize: 1000})
		var names []string
		for _, f := range page.GetFiles() {
			names = append(names, f.GetDisplayName())
		}
		out.names = strings.Join(names, " ")
	}
	if err != nil {
		return answered{reason: fault.ReasonOf(errors.Join(err))}
	}
	if found != nil {
		out.id = found.GetName()
		out.node = modelNode{
			folder: found.GetFolder(), name: found.GetDisplayName(), isDir: found.GetKind() == metadatav1.File_FOLDER,
			trashed: found.GetDeleteTime() != nil,
		}
		if !out.node.isDir {
			out.node.content = found.GetContentType()[len("text/x"):]
		}
	}
	return out
}

// overlaps counts the operations during which another one was under way.
func overlaps(events []porcupine.Operation) int {
	slices.SortFunc(events, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	count, latest := 0, int64(-1)
	for i, e := range events {
		if e.Call < latest || (i+1 < len(events) && events[i+1].Call < e.Return) {
			count++
		}
		latest = max(latest, e.Return)
	}
	return count
}

func describe(events []porcupine.Operation) string {
	text := ""
	for _, e := range events {
		text += fmt.Sprintf("%4d-%4d client %d: %s\n", e.Call, e.Return, e.ClientId, historyModel.DescribeOperation(e.Input, e.Output))
	}
	return text
}
