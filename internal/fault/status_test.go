package fault_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const secret = "dial tcp 10.1.2.3:443: password=hunter2"

var errSecret = errors.New(secret)

func detail[T proto.Message](st *status.Status) (found T, ok bool) {
	for _, d := range st.Details() {
		if d, is := d.(T); is {
			return d, true
		}
	}
	return found, false
}

func TestEveryReasonCrossesTheWire(t *testing.T) {
	values := errorsv1.Reason(0).Descriptor().Values()
	for i := range values.Len() {
		r := fault.Reason(values.Get(i).Number())
		if r == errorsv1.Reason_REASON_UNSPECIFIED {
			continue
		}
		t.Run(r.String(), func(t *testing.T) {
			sent := fault.Wrap(errSecret, r, "file %q", "a")
			sent.Metadata = map[string]string{"field": "name"}
			sent.RetryAfter = 7 * time.Second

			st := fault.ToStatus(fmt.Errorf("reading: %w", sent))
			if st.Code() != fault.Code(r) || st.Message() != `file "a"` {
				t.Errorf("status is %v %q", st.Code(), st.Message())
			}
			info, ok := detail[*errdetails.ErrorInfo](st)
			if !ok || info.GetDomain() != "holdfast" || "REASON_"+info.GetReason() != r.String() {
				t.Errorf("ErrorInfo is %v", info)
			}
			if strings.Contains(st.Proto().String(), "hunter2") {
				t.Errorf("the cause crossed: %v", st.Proto())
			}

			var got *fault.Error
			if !errors.As(fault.FromStatus(st.Err()), &got) {
				t.Fatal("FromStatus returned no *Error")
			}
			if got.Reason != r || got.Message != sent.Message || got.RetryAfter != sent.RetryAfter ||
				!maps.Equal(got.Metadata, sent.Metadata) {
				t.Errorf("got %+v, sent %+v", got, sent)
			}
		})
	}
}

func TestErrorsWithoutReason(t *testing.T) {
	timeout, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	<-timeout.Done()
	for name, tc := range map[string]struct {
		err  error
		want fault.Reason
	}{
		"defect":             {errSecret, errorsv1.Reason_REASON_INTERNAL},
		"wrapped defect":     {fmt.Errorf("begin: %w", errSecret), errorsv1.Reason_REASON_INTERNAL},
		"unspecified":        {fault.New(errorsv1.Reason_REASON_UNSPECIFIED, ""), errorsv1.Reason_REASON_INTERNAL},
		"cancelled":          {fmt.Errorf(secret+": %w", context.Canceled), errorsv1.Reason_REASON_CANCELLED},
		"deadline":           {fmt.Errorf(secret+": %w", timeout.Err()), errorsv1.Reason_REASON_DEADLINE_EXCEEDED},
		"transport":          {status.Error(codes.Unavailable, secret), errorsv1.Reason_REASON_UNAVAILABLE},
		"wrapped transport":  {fmt.Errorf("commit: %w", status.Error(codes.Unavailable, secret)), errorsv1.Reason_REASON_UNAVAILABLE},
		"transport deadline": {status.Error(codes.DeadlineExceeded, secret), errorsv1.Reason_REASON_DEADLINE_EXCEEDED},
		"transport cancel":   {status.Error(codes.Canceled, secret), errorsv1.Reason_REASON_CANCELLED},
		"message too large":  {status.Error(codes.ResourceExhausted, secret), errorsv1.Reason_REASON_TOO_LARGE},
		"no such method":     {status.Error(codes.Unimplemented, secret), errorsv1.Reason_REASON_METHOD_NOT_ALLOWED},
		"codec":              {status.Error(codes.Internal, secret), errorsv1.Reason_REASON_INTERNAL},
		"unknown code":       {status.Error(codes.Unknown, secret), errorsv1.Reason_REASON_INTERNAL},
	} {
		t.Run(name, func(t *testing.T) {
			public := fault.Public(tc.err)
			if public.Reason != tc.want || public.Message == "" || errors.Unwrap(public) != nil {
				t.Errorf("Public is %+v", public)
			}
			if got := fault.ReasonOf(tc.err); tc.err != nil && got != tc.want && name != "unspecified" {
				t.Errorf("ReasonOf is %v", got)
			}
			st := fault.ToStatus(tc.err)
			if strings.Contains(st.Proto().String(), "hunter2") {
				t.Errorf("the status leaks: %v", st.Proto())
			}
			if got := fault.ReasonOf(st.Err()); got != tc.want {
				t.Errorf("crosses the wire as %v", got)
			}
		})
	}
}

func TestFromStatusKeepsTheTransportErrorForTheLog(t *testing.T) {
	cause := status.Error(codes.Unavailable, secret)
	if err := fault.FromStatus(cause); !errors.Is(err, cause) || !strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

func TestAStatusOfOursPassesUnchanged(t *testing.T) {
	sent := fault.ToStatus(fault.Invalidf("name", "empty"))
	if got := fault.ToStatus(sent.Err()); !proto.Equal(got.Proto(), sent.Proto()) {
		t.Errorf("got %v, want %v", got.Proto(), sent.Proto())
	}
}

func TestAReasonOfANewerPeerIsClassifiedByItsCode(t *testing.T) {
	st, err := status.New(codes.PermissionDenied, "outside the office").WithDetails(
		&errdetails.ErrorInfo{Reason: "OUT_OF_OFFICE", Domain: fault.Domain})
	if err != nil {
		t.Fatal(err)
	}
	got := fault.Public(fault.FromStatus(st.Err()))
	if got.Reason != errorsv1.Reason_REASON_PERMISSION_DENIED || got.Message != "outside the office" {
		t.Errorf("got %+v", got)
	}
}

func TestForeignErrorInfoIsNotOurs(t *testing.T) {
	st, err := status.New(codes.Unavailable, secret).WithDetails(
		&errdetails.ErrorInfo{Reason: "NOT_FOUND", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fault.Public(st.Err()); got.Reason != errorsv1.Reason_REASON_UNAVAILABLE || got.Message == secret {
		t.Errorf("got %+v", got)
	}
}

func TestRetryAfter(t *testing.T) {
	unavailable := fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "no")
	patient := fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "no")
	patient.RetryAfter = time.Minute
	for _, tc := range []struct {
		err  *fault.Error
		want time.Duration
	}{
		{unavailable, time.Second},
		{patient, time.Minute},
		{fault.New(errorsv1.Reason_REASON_NOT_FOUND, "no"), 0},
	} {
		retry, ok := detail[*errdetails.RetryInfo](fault.ToStatus(tc.err))
		if got := retry.GetRetryDelay().AsDuration(); got != tc.want || ok != (tc.want > 0) {
			t.Errorf("%v: RetryInfo %v, want %v", tc.err.Reason, got, tc.want)
		}
		if got := fault.Public(tc.err).RetryAfter; got != tc.want {
			t.Errorf("%v: Public says %v, want %v", tc.err.Reason, got, tc.want)
		}
	}
}

func TestNil(t *testing.T) {
	if fault.ToStatus(nil) != nil || fault.FromStatus(nil) != nil || fault.Public(nil) != nil {
		t.Error("nil did not stay nil")
	}
}
