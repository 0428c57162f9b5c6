package namespace_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/google/uuid"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// messageBytes is what gRPC takes unless it is told otherwise.
const messageBytes = 4 << 20

// Records of very many extents fill a page of an audit, and a claim of jobs,
// before those have as many items as they may: both stay well below the bound of
// a message, and leave nothing out and tell nothing twice.
func TestManyExtentsInMessages(t *testing.T) {
	const records, extents = 80, 2000
	w := newWorld(t)
	id := lastOf(w.put("/f", "x").GetName())
	for range records {
		old := &recordv1.Revision{Id: record.NewID(), SizeBytes: extents}
		job := &recordv1.Job{Kind: recordv1.Job_BLOBS, Space: testSpace, DueMicros: w.clock.Now().UnixMicro()}
		for range extents {
			blob := uuid.Must(uuid.NewV7())
			old.Extents = append(old.Extents, &recordv1.Extent{BlobId: blob[:], Length: 1})
			job.BlobIds = append(job.BlobIds, blob[:])
		}
		due := record.Job(job.GetDueMicros(), record.NewID())
		err := w.table.Commit(w.ctx, []table.Write{
			table.Put(record.Item(record.Revision(testSpace, id, old.GetId()), record.NewEtag(), old), table.IfAbsent),
			table.Put(record.Item(due, record.NewEtag(), job), table.IfAbsent),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	told, pages, largest, examined := map[string]int{}, 0, 0, int64(0)
	req := &ledgerv1.AuditRequest{PageSize: 1000}
	for {
		page, err := w.Audit(w.ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		pages, largest, examined = pages+1, max(largest, proto.Size(page)), examined+page.GetExaminedCount()
		for _, ref := range page.GetReferences() {
			told[ref.GetName()] += len(ref.GetExtents())
		}
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	many := 0
	for name, n := range told {
		if n == extents {
			many++
		} else if n > 1 {
			t.Errorf("%s has %d extents", name, n)
		}
	}
	if largest > messageBytes/2 || pages < 2 || many != 2*records {
		t.Errorf("%d pages of at most %d bytes tell of %d records with all extents, want %d", pages, largest, many, 2*records)
	}
	if all := w.count(); int64(all) != examined {
		t.Errorf("%d records were examined of %d", examined, all)
	}
	jobs := 0
	for jobs < records {
		claimed, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 100, LeaseDuration: durationpb.New(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		if size := proto.Size(claimed); size > messageBytes/2 || len(claimed.GetJobs()) == 0 {
			t.Fatalf("after %d jobs a claim of %d has %d bytes", jobs, len(claimed.GetJobs()), size)
		}
		jobs += len(claimed.GetJobs())
	}
	t.Logf("%d records with %d extents each: %d pages of at most %d bytes", 2*records, extents, pages, largest)
}

// count returns how many records there are.
func (w *world) count() (all int) {
	w.t.Helper()
	for range w.records() {
		all++
	}
	return all
}
