package settings

import (
	"context"
	"log/slog"
	"time"

	"github.com/holdfast-files/holdfast/internal/lifecycle"
)

// Process are the settings that every server has; embed it in theirs.
type Process struct {
	LogLevel     slog.Level    `help:"Least level that is logged: debug, info, warn or error." default:"info"`
	DrainDelay   time.Duration `help:"Time between failing readiness and refusing new calls, for load balancers to notice." default:"0s"`
	DrainTimeout time.Duration `help:"Time that the calls in hand have to finish when the program ends." default:"30s"`
}

// Check checks the settings.
func (p Process) Check(c *Check) {
	c.NotNegative("drain-delay", p.DrainDelay)
	c.Positive("drain-timeout", p.DrainTimeout)
}

// Lifecycle returns how the process becomes ready, by prepare unless it is nil,
// and how it ends.
func (p Process) Lifecycle(readiness *lifecycle.Readiness, prepare func(context.Context) error) lifecycle.Config {
	return lifecycle.Config{Readiness: readiness, Prepare: prepare, DrainDelay: p.DrainDelay, DrainTimeout: p.DrainTimeout}
}
