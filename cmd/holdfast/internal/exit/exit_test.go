package exit_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

func TestOf(t *testing.T) {
	_, missing := os.Open(t.TempDir() + "/missing")
	forbidden := &fs.PathError{Op: "open", Path: "here", Err: syscall.EACCES}
	unreachable := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	taken := &net.OpError{Op: "listen", Net: "tcp", Err: syscall.EADDRINUSE}
	for _, test := range []struct {
		err  error
		code int
	}{
		{nil, exit.OK},
		{errors.New("something"), exit.Failed},
		{fault.New(errorsv1.Reason_REASON_INTERNAL, "x"), exit.Failed},
		{fault.Invalidf("path", "x"), exit.Usage},
		{fmt.Errorf("wrapped: %w", fault.NotFound), exit.NotFound},
		{missing, exit.NotFound},
		{forbidden, exit.Failed}, // by this machine: no credential of ours is at fault
		{fmt.Errorf("health: %w", unreachable), exit.Unavailable},
		{taken, exit.Failed},
		{fault.Exists, exit.Conflict},
		{fault.Precondition, exit.Conflict},
		{fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "x"), exit.Denied},
		{fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED, "x"), exit.Denied},
		{fault.Unavailable, exit.Unavailable},
		{fault.New(errorsv1.Reason_REASON_DIGEST_MISMATCH, "x"), exit.Damaged},
		{fault.DataLoss, exit.Damaged},
		{fault.New(errorsv1.Reason_REASON_QUOTA_EXCEEDED, "x"), exit.Full},
		{fault.StorageFull, exit.Full},
		{context.Canceled, exit.Interrupted},
		{fmt.Errorf("stopped: %w", context.Canceled), exit.Interrupted},
		{&exit.Reported{Code: 7}, 7},
	} {
		if code := exit.Of(test.err); code != test.code {
			t.Errorf("%v: got %d, want %d", test.err, code, test.code)
		}
	}
}

// TestEveryReasonHasACode fails when a reason is added without one, and when
// a code is not explained.
func TestEveryReasonHasACode(t *testing.T) {
	for number, name := range errorsv1.Reason_name {
		code := exit.Of(fault.New(fault.Reason(number), "x"))
		if code == exit.OK {
			t.Errorf("%s has no exit code", name)
		}
		if !strings.Contains(exit.Help, fmt.Sprintf("\n  %d ", code)) {
			t.Errorf("%d is not explained", code)
		}
	}
}

func TestTally(t *testing.T) {
	for name, test := range map[string]struct {
		items []error
		code  int
	}{
		"nothing":       {nil, 0},
		"done":          {[]error{nil, nil}, 0},
		"all alike":     {[]error{fault.NotFound, fault.NotFound}, exit.NotFound},
		"all different": {[]error{fault.NotFound, fault.Exists}, exit.Failed},
		"some":          {[]error{nil, fault.NotFound}, exit.Failed},
		"some, reverse": {[]error{fault.NotFound, nil}, exit.Failed},
	} {
		var tally exit.Tally
		for _, err := range test.items {
			tally.Add(err)
		}
		if code := exit.Of(tally.Err()); code != test.code {
			t.Errorf("%s: got %d, want %d", name, code, test.code)
		}
	}
}
