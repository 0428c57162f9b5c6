// Package exit says how a command ends: with which exit code, and why.
package exit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/settings"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// The exit codes.
const (
	OK          = 0
	Failed      = 1   // some items failed and others not, or something without a code of its own
	Usage       = 2   // the arguments, a setting or a name are wrong
	NotFound    = 3   // there is no such file or folder
	Conflict    = 4   // it exists, or changed, or the state of things forbids it
	Denied      = 5   // no credential, or not one that allows it
	Unavailable = 6   // the server can't be reached or is overloaded
	Damaged     = 7   // bytes are not what their digest says
	Full        = 8   // a quota, a limit or a disk leaves no room
	Interrupted = 130 // by a signal
)

// Help explains the exit codes, for --help.
const Help = `Exit codes:
  0    everything was done
  1    some items failed and others not, or something else went wrong
  2    the arguments, a setting or a name are wrong
  3    there is no such file or folder
  4    it exists already, was changed meanwhile, or can't be done as things are
  5    a credential is missing or does not allow it
  6    the server can't be reached or is overloaded
  7    bytes are not what their digest says
  8    a quota, a limit or a disk leaves no room
  130  interrupted by a signal`

var codes = map[fault.Reason]int{
	errorsv1.Reason_REASON_UNSPECIFIED:           Failed,
	errorsv1.Reason_REASON_INVALID_ARGUMENT:      Usage,
	errorsv1.Reason_REASON_UNAUTHENTICATED:       Denied,
	errorsv1.Reason_REASON_PERMISSION_DENIED:     Denied,
	errorsv1.Reason_REASON_NOT_FOUND:             NotFound,
	errorsv1.Reason_REASON_METHOD_NOT_ALLOWED:    Failed,
	errorsv1.Reason_REASON_ALREADY_EXISTS:        Conflict,
	errorsv1.Reason_REASON_CONFLICT:              Conflict,
	errorsv1.Reason_REASON_EXPIRED:               Conflict,
	errorsv1.Reason_REASON_PRECONDITION_FAILED:   Conflict,
	errorsv1.Reason_REASON_TOO_LARGE:             Full,
	errorsv1.Reason_REASON_UNSUPPORTED_MEDIA:     Usage,
	errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE: Usage,
	errorsv1.Reason_REASON_RATE_LIMITED:          Unavailable,
	errorsv1.Reason_REASON_UNAVAILABLE:           Unavailable,
	errorsv1.Reason_REASON_QUOTA_EXCEEDED:        Full,
	errorsv1.Reason_REASON_DIGEST_MISMATCH:       Damaged,
	errorsv1.Reason_REASON_REQUEST_ID_REUSED:     Conflict,
	errorsv1.Reason_REASON_DATA_LOSS:             Damaged,
	errorsv1.Reason_REASON_INTERNAL:              Failed,
	errorsv1.Reason_REASON_STORAGE_FULL:          Full,
	errorsv1.Reason_REASON_CANCELLED:             Failed,
	errorsv1.Reason_REASON_DEADLINE_EXCEEDED:     Unavailable,
}

// Reported is an outcome that the user has been told about already.
type Reported struct{ Code int }

// Error names the code.
func (r *Reported) Error() string { return fmt.Sprintf("exit code %d", r.Code) }

// Of returns the exit code for an error.
func Of(err error) int {
	var reported *Reported
	var known *fault.Error
	var network *net.OpError
	switch {
	case errors.As(err, &reported):
		return reported.Code
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &known):
		return cmp.Or(codes[known.Reason], Failed)
	case errors.Is(err, fs.ErrNotExist):
		return NotFound
	case errors.Is(err, fs.ErrExist):
		return Conflict
	case errors.As(err, &network) && network.Op == "dial":
		return Unavailable
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return Full
	}
	return settings.ExitCode(err)
}

// Message returns what is left to be said about an error, "" for nothing.
func Message(err error) string {
	var reported *Reported
	switch {
	case err == nil, errors.Is(err, settings.ErrDone), errors.As(err, &reported):
		return ""
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return err.Error()
}

// Tally counts how the items of a command end.
type Tally struct {
	Done, Failed int
	code         int // of the failures, Failed when they differ
}

// Add counts an item; err is nil when it is done.
func (t *Tally) Add(err error) {
	if err == nil {
		t.Done++
		return
	}
	code := Of(err)
	if t.Failed > 0 && code != t.code {
		code = Failed
	}
	t.Failed++
	t.code = code
}

// Err returns how the command ends: nil when nothing failed, with the code of
// the failures when everything failed in the same way, else with Failed.
func (t *Tally) Err() error {
	switch {
	case t.Failed == 0:
		return nil
	case t.Done > 0:
		return &Reported{Failed}
	}
	return &Reported{t.code}
}
