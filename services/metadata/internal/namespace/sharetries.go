package namespace

import (
	"encoding/hex"
	"time"

	"github.com/holdfast-files/holdfast/internal/throttle"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
)

// How often a password may be tried. Only wrong ones count in the end, but for
// checksOfAddress, which is what the hashes of one address may cost. A share's own
// bound holds whoever tries; it lets ten wrong ones pass at once, and then one in ten
// seconds. One address cannot use that up: it has half of it.
var (
	checksOfAddress = throttle.Limit{Rate: 5, Burst: 60}
	triesOfAddress  = throttle.Limit{Rate: 0.5, Burst: 30}
	triesOfVisitor  = throttle.Limit{Rate: 0.05, Burst: 5}
	triesOfShare    = throttle.Limit{Rate: 0.1, Burst: 10}
)

// tries counts who tries the passwords of shares.
type tries struct {
	checks    *throttle.Pace // by address
	byAddress *throttle.Pace
	byVisitor *throttle.Pace // an address at a share
	byShare   *throttle.Pace
}

func newTries(now func() time.Time) tries {
	return tries{
		checks:    throttle.NewPace("address", checksOfAddress, now),
		byAddress: throttle.NewPace("address", triesOfAddress, now),
		byVisitor: throttle.NewPace("visitor", triesOfVisitor, now),
		byShare:   throttle.NewPace("link", triesOfShare, now),
	}
}

// begin counts a try at a share's password from an address, which is empty when it
// is not known. The bounds that are nearest to who tries come first, and a try that
// one of them refuses is counted by none. What it returns is to be given back when
// the try was no wrong guess.
//
// Errors: RATE_LIMITED.
func (t tries) begin(s *recordv1.Share, address string) (guess throttle.Calls, err error) {
	link := hex.EncodeToString(s.GetTokenHash())
	share := throttle.Call{Pace: t.byShare, Client: link}
	if address == "" {
		guess = throttle.Calls{share}
		return guess, guess.Take()
	}
	from := throttle.Client(address)
	all := throttle.Calls{
		{Pace: t.checks, Client: from},
		{Pace: t.byAddress, Client: from},
		{Pace: t.byVisitor, Client: link + " " + from},
		share,
	}
	return all[1:], all.Take()
}
