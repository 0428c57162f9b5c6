package sweeper

import (
	"errors"
	"sync"
	"time"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
)

// Stats tell how the sweeping goes. The counters only grow.
type Stats struct {
	Claimed  int64 // jobs that were leased
	Finished int64 // jobs that were carried out and ended
	Failed   int64 // tries of jobs that failed
	Deleted  int64 // blobs, those that did not exist included
	Steps    int64 // jobs that touched records only
	// Waiting are the jobs that the last claim found due and did not take, other
	// sweepers' and failed ones included; of a shard it counts 100 at most.
	Waiting int64
	// InHand is the number of jobs that are leased and not yet ended or failed.
	InHand int64
	// OldestDue is when the oldest job that the last claim found became due,
	// zero when it found none: how far the sweeping is behind.
	OldestDue time.Time
	// LastClaim is when the ledger last answered, zero before that.
	LastClaim time.Time
}

// Stats returns the stats of now.
func (s *Sweeper) Stats() Stats {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	return s.stats.now
}

type counters struct {
	mu  sync.Mutex
	now Stats
}

func (c *counters) claimed(resp *ledgerv1.ClaimJobsResponse) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Claimed += int64(len(resp.GetJobs()))
	c.now.InHand += int64(len(resp.GetJobs()))
	c.now.Steps += int64(resp.GetStepsDone())
	c.now.Waiting = max(0, resp.GetDueJobs()-int64(len(resp.GetJobs()))-int64(resp.GetStepsDone()))
	c.now.LastClaim = time.Now()
	c.now.OldestDue = time.Time{}
	if resp.OldestDueTime != nil {
		c.now.OldestDue = resp.GetOldestDueTime().AsTime()
	}
}

func (c *counters) finished(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.InHand--
	switch {
	case err == nil:
		c.now.Finished++
	case !errors.Is(err, errPutDown):
		c.now.Failed++
	}
}

func (c *counters) deleted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Deleted++
}
