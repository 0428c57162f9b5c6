package namespace

import (
	"context"
	"errors"
	"strings"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// A due is a job that a node names, which removes it when its time is over.
type due struct {
	ref    string // empty for none
	kind   recordv1.Job_Kind
	micros int64
	job    string // for people
}

// dues returns the jobs that a node is to have.
func dues(node *recordv1.Node) []due {
	var all []due
	if micros := node.GetExpireMicros(); micros != 0 {
		all = append(all, due{node.GetExpireJob(), recordv1.Job_EXPIRE, micros, "when it expires"})
	}
	if node.GetState() == recordv1.Node_TRASHED {
		all = append(all, due{node.GetPurgeJob(), recordv1.Job_PURGE, node.GetPurgeMicros(), "from the trash"})
	}
	return all
}

// missing reports whether the job is not there.
func (d due) missing(ctx context.Context, in table.Table) (bool, error) {
	if !strings.Contains(d.ref, "|") {
		return true, nil
	}
	_, err := in.Get(ctx, jobKey(d.ref))
	if errors.Is(err, table.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// put returns the write of the job that a node names; none if it names none.
func (d due) put(at resource.File) []table.Write {
	if !strings.Contains(d.ref, "|") {
		return nil
	}
	job := &recordv1.Job{Kind: d.kind, Space: at.Space, Node: at.ID, DueMicros: d.micros}
	return []table.Write{table.Put(record.Item(jobKey(d.ref), record.NewEtag(), job), table.IfAbsent)}
}

// examineDue checks that the jobs of a node are there. They come and go with its
// tag, so if that is still the one that was read, they were missing meanwhile.
func (a *audit) examineDue(ctx context.Context, item table.Item, at resource.File, node *recordv1.Node) error {
	for _, d := range dues(node) {
		missing, err := d.missing(ctx, a.n.table)
		if err != nil {
			return err
		}
		if !missing {
			continue
		}
		now, err := a.n.table.Get(ctx, item.Key)
		if err != nil || now.Tag != item.Tag {
			return ignoreMissing(err) // removed or changed meanwhile
		}
		finding := a.find(ledgerv1.Finding_JOB_MISSING, at.String(), "no job will remove it "+d.job)
		writes := d.put(at)
		if len(writes) == 0 {
			continue // what it is to name, a change of it would have to say
		}
		if err := a.mend(ctx, finding, append(writes, table.Check(item.Key, table.IfTag(item.Tag)))); err != nil {
			return err
		}
	}
	return nil
}
