package namespace

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Every share has a job that looks after it: it removes one that has expired, or
// whose node is gone for good, and comes again for one that stays. A node does not
// know its shares, so what removes it for good leaves them to that.

// shareRound is how long a share is let alone that has not expired.
const shareRound = 30 * 24 * time.Hour

// lookAfter returns the writes of the job that looks after a share from now on, and
// of dropping the former one, and names it in the share, which is about to be written.
func (n *Namespace) lookAfter(space string, s *recordv1.Share) []table.Write {
	writes := dropShareJob(s)
	job, key := newJob(&recordv1.Job{
		Kind: recordv1.Job_SHARE, Space: space, Node: s.GetId(),
		DueMicros: earliest(s.GetExpireMicros(), n.now()+shareRound.Microseconds()),
	}, record.NewID())
	s.ExpireJob = jobRef(key)
	return append(writes, job)
}

func dropShareJob(s *recordv1.Share) []table.Write {
	if s.GetExpireJob() == "" {
		return nil
	}
	return []table.Write{table.Delete(jobKey(s.GetExpireJob()), table.Any)}
}

// dropShare returns the writes that remove a share.
func dropShare(space string, s *recordv1.Share) []table.Write {
	return append(dropShareJob(s),
		table.Delete(record.ShareOf(space, s.GetId()), table.IfTag(s.GetEtag())),
		table.Delete(record.Link(s.GetTokenHash()), table.Any),
		table.Delete(record.LinkCount(s.GetTokenHash()), table.Any))
}

// stray reports whether the node of a share is gone for good. One in the trash may
// come back; a record that is gone does not, unless it was lost and is put back, and
// no other node has its id. One that cannot be read is not gone.
func (n *Namespace) stray(ctx context.Context, space string, s *recordv1.Share) (bool, error) {
	_, err := n.nodeRecord(ctx, resource.File{Space: space, ID: s.GetNode()})
	if errors.Is(err, fault.DataLoss) {
		return false, nil
	}
	return errors.Is(err, fault.NotFound), ignoreNotFound(err)
}

// remaining returns the resource of a share, and none of one that is over: of one
// that has expired, which it removes, as whoever comes upon one does, and of one that
// is stray, which it leaves to its job, for what was lost may be put back.
func (n *Namespace) remaining(ctx context.Context, space string, item table.Item) (*metadatav1.Share, error) {
	s := new(recordv1.Share)
	if err := record.Decode(item, s); err != nil {
		return nil, err
	}
	if passed(s.GetExpireMicros(), n.now()) {
		return nil, ignoreConditions(n.table.Commit(ctx, dropShare(space, s)))
	}
	if stray, err := n.stray(ctx, space, s); stray || err != nil {
		return nil, err
	}
	count, err := n.downloads(ctx, s)
	return share(space, s, count), err
}

// stepShare removes a share that is over, or sees to it that it is looked at again. A
// job that the share does not name was overtaken by a change of it.
func (n *Namespace) stepShare(ctx context.Context, item table.Item, job *recordv1.Job) error {
	done := []table.Write{table.Delete(item.Key, table.IfTag(item.Tag))}
	there, err := n.table.Get(ctx, record.ShareOf(job.GetSpace(), job.GetNode()))
	if errors.Is(err, table.ErrNotFound) {
		return n.table.Commit(ctx, done)
	}
	if err != nil {
		return err
	}
	s := new(recordv1.Share)
	if err := record.Decode(there, s); err != nil {
		return err
	}
	if s.GetExpireJob() != jobRef(item.Key) {
		return n.table.Commit(ctx, done)
	}
	s.ExpireJob = "" // it is this one
	over := passed(s.GetExpireMicros(), n.now())
	if !over {
		if over, err = n.stray(ctx, job.GetSpace(), s); err != nil {
			return err
		}
	}
	if over {
		return n.table.Commit(ctx, append(done, dropShare(job.GetSpace(), s)...))
	}
	// The etag stays, since what the share says does. Each change of it names
	// another job, so none is lost to one that had read this one.
	done = append(done, n.lookAfter(job.GetSpace(), s)...)
	return n.table.Commit(ctx, append(done, putShare(job.GetSpace(), s, table.IfTag(s.GetEtag()))))
}
