package fault

import (
	"context"
	"errors"
	"strings"
	"time"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Domain is the ErrorInfo.domain of every error of Holdfast.
const Domain = "holdfast"

const (
	reasonPrefix = "REASON_"

	// How long to wait before repeating a call that was UNAVAILABLE, unless
	// the error knows better.
	defaultRetryAfter = time.Second
)

// GRPCStatus returns e as its caller sees it, without the cause. It makes
// status.FromError and status.Code work on the errors of this package.
func (e *Error) GRPCStatus() *status.Status {
	reason := e.Reason
	if reason == errorsv1.Reason_REASON_UNSPECIFIED {
		reason = errorsv1.Reason_REASON_INTERNAL
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{
		Reason:   strings.TrimPrefix(reason.String(), reasonPrefix),
		Domain:   Domain,
		Metadata: e.Metadata,
	}}
	if after := e.retryAfter(); after > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	}
	bare := status.New(Code(reason), e.Message)
	st, err := bare.WithDetails(details...)
	if err != nil {
		return bare
	}
	return st
}

func (e *Error) retryAfter() time.Duration {
	if e.RetryAfter == 0 && e.Reason == errorsv1.Reason_REASON_UNAVAILABLE {
		return defaultRetryAfter
	}
	return e.RetryAfter
}

// Public returns err as its caller may see it: a reason, a message, when to
// retry, and no cause. An error of no known kind becomes INTERNAL with a
// message that says nothing about it. It returns nil for nil.
func Public(err error) *Error {
	if err == nil {
		return nil
	}
	e := classify(err)
	public := &Error{Reason: e.Reason, Message: e.Message, RetryAfter: e.retryAfter(), Metadata: e.Metadata}
	if public.Reason == errorsv1.Reason_REASON_UNSPECIFIED {
		public.Reason = errorsv1.Reason_REASON_INTERNAL
	}
	if public.Message == "" {
		public.Message = plain(public.Reason)
	}
	return public
}

// ToStatus returns err as a status for the wire: ErrorInfo with the reason
// (without its prefix), the domain and the metadata, and RetryInfo when the
// caller may retry. A status that already carries our ErrorInfo passes
// unchanged. The cause of an error never crosses. It returns nil for nil.
func ToStatus(err error) *status.Status {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		if st, ok := status.FromError(err); ok && infoOf(st) != nil {
			return st
		}
	}
	return Public(err).GRPCStatus()
}

// FromStatus returns the error that a status from the wire stands for, as an
// *Error. A status without our ErrorInfo, such as one that the transport made,
// is classified by its code, and kept as the cause. It returns nil for nil.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	return classify(err)
}

// classify returns the first *Error in the chain of err, or makes one.
func classify(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if st, ok := status.FromError(err); ok {
		return fromStatus(st, err)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return wrapPlain(err, errorsv1.Reason_REASON_CANCELLED)
	case errors.Is(err, context.DeadlineExceeded):
		return wrapPlain(err, errorsv1.Reason_REASON_DEADLINE_EXCEEDED)
	}
	return wrapPlain(err, errorsv1.Reason_REASON_INTERNAL)
}

func fromStatus(st *status.Status, err error) *Error {
	info := infoOf(st)
	if info == nil {
		return wrapPlain(err, reasonOfCode(st.Code()))
	}
	e := &Error{Reason: errorsv1.Reason_REASON_INTERNAL, Message: st.Message(), Metadata: info.GetMetadata()}
	if r, ok := errorsv1.Reason_value[reasonPrefix+info.GetReason()]; ok {
		e.Reason = Reason(r)
	} else {
		// A newer peer may know more reasons; its code still says the most.
		e.Reason = reasonOfCode(st.Code())
	}
	for _, d := range st.Details() {
		if retry, ok := d.(*errdetails.RetryInfo); ok {
			e.RetryAfter = retry.GetRetryDelay().AsDuration()
		}
	}
	return e
}

func infoOf(st *status.Status) *errdetails.ErrorInfo {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == Domain {
			return info
		}
	}
	return nil
}

// reasonOfCode returns what a bare gRPC code means. RESOURCE_EXHAUSTED is what
// gRPC itself says of a message above the limit.
func reasonOfCode(c codes.Code) Reason {
	switch c {
	case codes.InvalidArgument:
		return errorsv1.Reason_REASON_INVALID_ARGUMENT
	case codes.Unauthenticated:
		return errorsv1.Reason_REASON_UNAUTHENTICATED
	case codes.PermissionDenied:
		return errorsv1.Reason_REASON_PERMISSION_DENIED
	case codes.NotFound:
		return errorsv1.Reason_REASON_NOT_FOUND
	case codes.AlreadyExists:
		return errorsv1.Reason_REASON_ALREADY_EXISTS
	case codes.Unimplemented:
		return errorsv1.Reason_REASON_METHOD_NOT_ALLOWED
	case codes.FailedPrecondition:
		return errorsv1.Reason_REASON_CONFLICT
	case codes.Aborted:
		return errorsv1.Reason_REASON_PRECONDITION_FAILED
	case codes.OutOfRange:
		return errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE
	case codes.ResourceExhausted:
		return errorsv1.Reason_REASON_TOO_LARGE
	case codes.Unavailable:
		return errorsv1.Reason_REASON_UNAVAILABLE
	case codes.Canceled:
		return errorsv1.Reason_REASON_CANCELLED
	case codes.DeadlineExceeded:
		return errorsv1.Reason_REASON_DEADLINE_EXCEEDED
	case codes.DataLoss:
		return errorsv1.Reason_REASON_DATA_LOSS
	}
	return errorsv1.Reason_REASON_INTERNAL
}

func wrapPlain(cause error, r Reason) *Error {
	return &Error{Reason: r, Message: plain(r), cause: cause}
}

// plain returns a message for a reason whose error brought none that a caller
// may see.
func plain(r Reason) string {
	switch r {
	case errorsv1.Reason_REASON_INTERNAL:
		return "internal error"
	case errorsv1.Reason_REASON_UNAVAILABLE:
		return "a part of the service cannot be reached; retry"
	case errorsv1.Reason_REASON_CANCELLED:
		return "the call was cancelled"
	case errorsv1.Reason_REASON_DEADLINE_EXCEEDED:
		return "the deadline passed before the call was done"
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(r.String(), reasonPrefix), "_", " "))
}
