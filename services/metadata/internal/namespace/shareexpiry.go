package namespace

import (
	"context"
	"errors"

	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// setShareExpiry sets the expiry of a share that is about to be written and
// returns the writes of the job that will remove it, and of dropping the former
// one.
func setShareExpiry(space string, s *recordv1.Share, expireMicros int64) []table.Write {
	writes := dropShareJob(s)
	s.ExpireMicros, s.ExpireJob = expireMicros, ""
	if expireMicros != 0 {
		write, key := newJob(&recordv1.Job{
			Kind: recordv1.Job_SHARE, Space: space, Node: s.GetId(), DueMicros: expireMicros,
		}, record.NewID())
		s.ExpireJob = jobRef(key)
		writes = append(writes, write)
	}
	return writes
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

// dropExpired removes a share that has expired; whoever comes upon one does.
func (n *Namespace) dropExpired(ctx context.Context, space string, s *recordv1.Share) error {
	return ignoreConditions(n.table.Commit(ctx, dropShare(space, s)))
}

// stepShare removes a share that has expired. A job that the share does not name
// was overtaken by a change of it.
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
	if s.GetExpireJob() == jobRef(item.Key) {
		s.ExpireJob = "" // it is this one
		done = append(done, dropShare(job.GetSpace(), s)...)
	}
	return n.table.Commit(ctx, done)
}
