package server

import (
	"time"

	"github.com/holdfast-files/holdfast/internal/settings"
	"github.com/holdfast-files/holdfast/internal/throttle"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
)

// Rates are how often one principal may call one process of the metadata
// service. They are settings of every program that runs it. An upload is one
// write, and a download one read; what a principal does on this machine is not
// bounded.
type Rates struct {
	ReadRate   float64 `help:"Reads a second by one principal in the long run, at each process; 0 for no bound." default:"1000" placeholder:"N"`
	ReadBurst  int     `help:"Reads by one principal at once, beyond that rate." default:"4000" placeholder:"N"`
	WriteRate  float64 `help:"Writes a second by one principal in the long run, at each process; 0 for no bound." default:"400" placeholder:"N"`
	WriteBurst int     `help:"Writes by one principal at once, beyond that rate." default:"1600" placeholder:"N"`
}

// Check checks the settings.
func (r Rates) Check(c *settings.Check) {
	for flag, n := range map[string]float64{
		"read-rate": r.ReadRate, "read-burst": float64(r.ReadBurst),
		"write-rate": r.WriteRate, "write-burst": float64(r.WriteBurst),
	} {
		if n < 0 {
			c.Failf(flag, "%v is below 0", n)
		}
	}
}

func (r Rates) pace(now func() time.Time) access.Rates {
	return access.Rates{
		Reads:  throttle.NewPace("reader", throttle.Limit{Rate: r.ReadRate, Burst: r.ReadBurst}, now),
		Writes: throttle.NewPace("writer", throttle.Limit{Rate: r.WriteRate, Burst: r.WriteBurst}, now),
	}
}
