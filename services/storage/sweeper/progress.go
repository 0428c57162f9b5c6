package sweeper

import (
	"slices"
	"sync"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
)

// maxProgress bounds the jobs that are remembered. Others may end them, so what
// is remembered is forgotten when there are more.
const maxProgress = 1000

// progress remembers how far deletions came that a lease was too short for, such
// as many blobs at a low rate, so that the next try goes on there. It is lost
// with the process; then they begin anew, which harms nothing.
type progress struct {
	mu   sync.Mutex
	last map[string]string // the blob that was deleted last, by job
}

// left returns the blobs of a job that are still to be deleted, in their order.
// A job that has other blobs by now is told by their ids, which are used once.
func (p *progress) left(job *ledgerv1.Job) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := job.GetBlobIds()
	if last, ok := p.last[job.GetId()]; ok {
		return names[slices.Index(names, last)+1:]
	}
	return names
}

// reached notes that a blob is deleted, and those before it.
func (p *progress) reached(job *ledgerv1.Job, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.last[job.GetId()]; !ok && len(p.last) == maxProgress {
		clear(p.last)
	}
	p.last[job.GetId()] = name
}

// forget forgets a job that has ended.
func (p *progress) forget(job *ledgerv1.Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.last, job.GetId())
}
