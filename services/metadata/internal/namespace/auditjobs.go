package namespace

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// A suspect is wrong unless a job will put it right. While a large folder is being
// emptied nearly every record of a page is one, so the jobs are read for all of
// them at once, when the page is through.
type suspect struct {
	item  table.Item
	space string
	owned func(*jobs) bool
	// tell looks at it once more, and tells of it if it is still there.
	tell func(context.Context) error
}

// jobOf is what a job is about.
type jobOf struct {
	kind recordv1.Job_Kind
	node string
}

// suspect has the audit tell of a record unless there is a job about a node of
// its space.
func (a *audit) suspect(item table.Item, space string, about jobOf, tell func(context.Context) error) {
	a.suspects = append(a.suspects, suspect{item, space, func(j *jobs) bool { return j.about[spaceJob{space, about}] }, tell})
}

// suspectBatch likewise, unless there is a job about a batch of extents.
func (a *audit) suspectBatch(item table.Item, space string, batch *recordv1.ExtentList, tell func(context.Context) error) {
	owned := func(j *jobs) bool { return includes(j.lists[spaceList{space, string(batch.GetId())}], batch) }
	a.suspects = append(a.suspects, suspect{item, space, owned, tell})
}

// settle tells of the suspects that no job will put right. The jobs are read after
// the records, and again for those without one: a job may take the place of another
// while they are read.
func (a *audit) settle(ctx context.Context) error {
	left := a.suspects
	for range 2 {
		if len(left) == 0 {
			return nil
		}
		known, err := a.n.readJobs(ctx)
		if err != nil {
			return err
		}
		unowned := left[:0:0]
		for _, s := range left {
			ends, err := a.ending(ctx, s.space)
			if err != nil {
				return err
			}
			if !ends && !s.owned(known) {
				unowned = append(unowned, s)
			}
		}
		left = unowned
	}
	for _, s := range left {
		if err := a.corrupt(s.item, s.tell(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// ending reports whether a space is being removed as a whole.
func (a *audit) ending(ctx context.Context, space string) (bool, error) {
	if ends, known := a.endings[space]; known {
		return ends, nil
	}
	h, err := a.n.anyHead(ctx, space)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return false, err
	}
	ends := err == nil && h.space.GetState() == recordv1.Space_DELETED
	if a.endings == nil {
		a.endings = map[string]bool{}
	}
	a.endings[space] = ends
	return ends, nil
}

// corrupt tells of a record if err says that it cannot be read.
func (a *audit) corrupt(item table.Item, err error) error {
	if errors.Is(err, fault.DataLoss) {
		a.find(ledgerv1.Finding_RECORD_CORRUPT, jobRef(item.Key), err.Error())
		return nil
	}
	return err
}

// jobs are all that there are, by what they are about.
type jobs struct {
	about map[spaceJob]bool
	lists map[spaceList][]*recordv1.ExtentList
}

type (
	spaceJob struct {
		space string
		jobOf
	}
	spaceList struct{ space, list string }
)

func (n *Namespace) readJobs(ctx context.Context) (*jobs, error) {
	all := &jobs{about: map[spaceJob]bool{}, lists: map[spaceList][]*recordv1.ExtentList{}}
	err := n.eachJob(ctx, func(job *recordv1.Job) {
		all.about[spaceJob{job.GetSpace(), jobOf{job.GetKind(), job.GetNode()}}] = true
		for _, list := range job.GetLists() {
			of := spaceList{job.GetSpace(), string(list.GetId())}
			all.lists[of] = append(all.lists[of], list)
		}
	})
	return all, err
}

// eachJob shows all jobs, but one that cannot be decoded: it is told of where it is
// examined.
func (n *Namespace) eachJob(ctx context.Context, show func(*recordv1.Job)) error {
	for k := range record.JobShards {
		query := table.Query{Partition: record.JobPartition(k), Limit: maxPage}
		for more := true; more; {
			page, err := n.table.Query(ctx, query)
			if err != nil {
				return err
			}
			for _, item := range page.Items {
				job := new(recordv1.Job)
				if record.Decode(item, job) == nil {
					show(job)
				}
				query.From = table.After(item.Key.Sort)
			}
			more = page.More
		}
	}
	return nil
}
