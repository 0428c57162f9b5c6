package fault_test

import (
	"net/http"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/grpc/codes"
)

// The compiler refuses a reason that stands in the table twice. One that is
// missing leaves a row that reads OK.
func TestEveryReasonStandsInTheTable(t *testing.T) {
	values := errorsv1.Reason(0).Descriptor().Values()
	for i := range values.Len() {
		r := fault.Reason(values.Get(i).Number())
		if fault.Code(r) == codes.OK {
			t.Errorf("%v has no gRPC code", r)
		}
		if status := fault.HTTPStatus(r); status < 400 || status > 599 {
			t.Errorf("%v has the HTTP status %d", r, status)
		}
	}
}

func TestUnknownReasonsAreInternal(t *testing.T) {
	for _, r := range []fault.Reason{-1, 10_000} {
		if got := fault.Code(r); got != codes.Internal {
			t.Errorf("Code(%d) = %v", r, got)
		}
		if got := fault.HTTPStatus(r); got != http.StatusInternalServerError {
			t.Errorf("HTTPStatus(%d) = %d", r, got)
		}
	}
}

// What DESIGN promises to the outside, for the rows where a slip would show.
func TestPromisedStatuses(t *testing.T) {
	for r, want := range map[fault.Reason]int{
		errorsv1.Reason_REASON_INVALID_ARGUMENT:      400,
		errorsv1.Reason_REASON_UNAUTHENTICATED:       401,
		errorsv1.Reason_REASON_PERMISSION_DENIED:     403,
		errorsv1.Reason_REASON_NOT_FOUND:             404,
		errorsv1.Reason_REASON_METHOD_NOT_ALLOWED:    405,
		errorsv1.Reason_REASON_ALREADY_EXISTS:        409,
		errorsv1.Reason_REASON_CONFLICT:              409,
		errorsv1.Reason_REASON_REQUEST_ID_REUSED:     409,
		errorsv1.Reason_REASON_EXPIRED:               410,
		errorsv1.Reason_REASON_PRECONDITION_FAILED:   412,
		errorsv1.Reason_REASON_TOO_LARGE:             413,
		errorsv1.Reason_REASON_UNSUPPORTED_MEDIA:     415,
		errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE: 416,
		errorsv1.Reason_REASON_RATE_LIMITED:          429,
		errorsv1.Reason_REASON_UNAVAILABLE:           503,
		errorsv1.Reason_REASON_QUOTA_EXCEEDED:        507,
		errorsv1.Reason_REASON_STORAGE_FULL:          507,
		errorsv1.Reason_REASON_DIGEST_MISMATCH:       400,
		errorsv1.Reason_REASON_DEADLINE_EXCEEDED:     504,
		errorsv1.Reason_REASON_DATA_LOSS:             500,
	} {
		if got := fault.HTTPStatus(r); got != want {
			t.Errorf("HTTPStatus(%v) = %d, want %d", r, got, want)
		}
	}
	if got := fault.Code(errorsv1.Reason_REASON_PRECONDITION_FAILED); got != codes.Aborted {
		t.Errorf("a precondition that failed is %v, AIP-154 asks for ABORTED", got)
	}
}
