package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/progress"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/transfer"
)

// Movement are the flags of the commands that move files.
type Movement struct {
	Recursive bool `short:"r" help:"Copy folders too, with all that is in them, empty folders included." env:"-"`
	Jobs      int  `short:"j" help:"Files to copy at the same time, 8 by default." default:"8" placeholder:"N"`
	Checksum  bool `help:"Skip files that have the same contents already." env:"-"`
	Verbose   bool `short:"v" help:"Print each file and folder." env:"-"`
	Quiet     bool `short:"q" help:"Show no progress and no summary." env:"-"`
	JSON      bool `name:"json" help:"Print each file and folder as JSON, on a line of its own, and a summary last." env:"-"`
}

// Validate checks the flags.
func (m Movement) Validate() error {
	if m.Jobs < 1 || m.Jobs > 256 {
		return errors.New("--jobs must be between 1 and 256")
	}
	return nil
}

// report tells the user what becomes of a transfer.
type report struct {
	Movement
	console *console.Console
	print   *console.Printer
	line    *progress.Line // nil when none is shown
	meter   *progress.Meter
	begun   time.Time
	strict  bool // what can't be copied counts as failed

	tally exit.Tally
	sum   summary
}

// summary counts the outcomes.
type summary struct {
	Files     int64 `json:"files"`
	Folders   int64 `json:"folders"`
	SizeBytes int64 `json:"sizeBytes,string"`
	Skipped   int64 `json:"skipped"`
	Failed    int64 `json:"failed"`
}

func (m Movement) report(con *console.Console, strict bool) *report {
	r := &report{
		Movement: m, console: con, print: con.Printer(m.JSON),
		meter: new(progress.Meter), begun: time.Now(), strict: strict,
	}
	if !m.Quiet && con.Width() > 0 {
		r.line = progress.Show(con.Err, con.Width, r.meter)
	}
	return r
}

// item tells the outcome of one file or folder.
func (r *report) item(i transfer.Item) {
	if i.Err != nil || i.Note != "" || r.JSON || r.Verbose {
		r.line.Aside(func() { r.tell(i) })
	}
	switch {
	case i.Outcome == transfer.Failed:
		r.sum.Failed++
		r.tally.Add(i.Err)
		return
	case i.Outcome == transfer.Skipped:
		r.sum.Skipped++
		if i.Left && r.strict {
			r.tally.Add(errors.New(i.Note))
			return
		}
	case i.Kind == api.KindFolder:
		r.sum.Folders++
	default:
		r.sum.Files++
		r.sum.SizeBytes += i.SizeBytes
	}
	r.tally.Add(nil)
}

// itemLine is an item for programs.
type itemLine struct {
	Outcome   transfer.Outcome `json:"outcome"`
	Kind      api.Kind         `json:"kind,omitempty"`
	Local     string           `json:"local,omitempty"`
	Path      string           `json:"path,omitempty"`
	SizeBytes *int64           `json:"sizeBytes,string,omitempty"`
	SHA256    string           `json:"sha256,omitempty"`
	Note      string           `json:"note,omitempty"`
	Error     *problem         `json:"error,omitempty"`
}

func (r *report) tell(i transfer.Item) {
	name := i.Local
	if name == "" {
		name = i.Remote
	}
	switch {
	case i.Err != nil:
		r.console.Complain("%s: %v", name, i.Err)
	case i.Left:
		r.console.Complain("%s: skipped: %s", name, i.Note)
	case i.Note != "" && i.Outcome != transfer.Skipped:
		r.console.Complain("%s: %s", name, i.Note)
	}
	switch {
	case r.JSON:
		line := itemLine{Outcome: i.Outcome, Kind: i.Kind, Local: i.Local, Path: i.Remote, SHA256: i.SHA256, Note: i.Note}
		if i.SHA256 != "" {
			line.SizeBytes = &i.SizeBytes
		}
		if i.Err != nil {
			p := newProblem(i.Err)
			line.Error = &p
		}
		r.print.Object(line)
		r.print.Flush()
	case r.Verbose && i.Err == nil && !i.Left:
		r.print.Line("%-8s  %s", i.Outcome, i.Remote)
		r.print.Flush()
	}
}

// forgetful tells that large files go on after a cut only as long as this program
// runs.
func (r *report) forgetful(err error) {
	r.line.Aside(func() { r.console.Complain("if this is interrupted, large files will start over: %v", err) })
}

// end tells what became of it all and returns how the command ends. err is why
// the transfer stopped early.
func (r *report) end(ctx context.Context, err error) error {
	r.line.Stop()
	s := r.sum
	if r.JSON {
		r.print.Object(map[string]summary{"summary": s})
	}
	if printErr := r.print.Close(); printErr != nil {
		return printErr
	}
	several := s.Files+s.Folders+s.Skipped+s.Failed > 1
	if !r.Quiet && !r.JSON && (r.line != nil || several && r.tally.Failed > 0) {
		text := fmt.Sprintf("%s, %s in %s", console.Count(s.Files, "file"), console.Size(s.SizeBytes), time.Since(r.begun).Round(100*time.Millisecond))
		if s.Skipped > 0 {
			text += fmt.Sprintf("; %d skipped", s.Skipped)
		}
		if s.Failed > 0 {
			text += fmt.Sprintf("; %d failed", s.Failed)
		}
		_, _ = fmt.Fprintln(r.console.Err, text)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	}
	return r.tally.Err()
}
