// Package fault is the one vocabulary of errors. Every error that a caller is
// to act upon is an *Error with a reason of holdfast.errors.v1; adapters
// translate their vendor's errors into it, the rpc door carries it over the
// wire, and the gateway renders it.
package fault

import (
	"fmt"
	"time"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// Reason is the kind of an error.
type Reason = errorsv1.Reason

// Error is an error with a reason. Its message is meant for the caller and
// must hold no secret; the cause is for the log.
type Error struct {
	// Reason is what the caller can act upon.
	Reason Reason
	// Message tells the caller what is wrong.
	Message string
	// RetryAfter, when not 0, is how long to wait before trying again.
	RetryAfter time.Duration
	// Metadata are the details that a program may want, such as the field.
	Metadata map[string]string

	cause error
}

// Error returns the message and the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an *Error of the same reason and without a
// message of its own, as the sentinels below are.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Message == "" && t.Reason == e.Reason
}

// Sentinels for errors.Is.
var (
	Invalid      = sentinel(errorsv1.Reason_REASON_INVALID_ARGUMENT)
	NotFound     = sentinel(errorsv1.Reason_REASON_NOT_FOUND)
	Exists       = sentinel(errorsv1.Reason_REASON_ALREADY_EXISTS)
	Conflict     = sentinel(errorsv1.Reason_REASON_CONFLICT)
	Precondition = sentinel(errorsv1.Reason_REASON_PRECONDITION_FAILED)
	TooLarge     = sentinel(errorsv1.Reason_REASON_TOO_LARGE)
	Unavailable  = sentinel(errorsv1.Reason_REASON_UNAVAILABLE)
	DataLoss     = sentinel(errorsv1.Reason_REASON_DATA_LOSS)
	StorageFull  = sentinel(errorsv1.Reason_REASON_STORAGE_FULL)
	Internal     = sentinel(errorsv1.Reason_REASON_INTERNAL)
)

func sentinel(r Reason) *Error { return &Error{Reason: r} }

// New returns an error with a reason and a message for the caller.
func New(r Reason, format string, args ...any) *Error {
	return &Error{Reason: r, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns an error with a reason, a message for the caller and a cause
// for the log.
func Wrap(cause error, r Reason, format string, args ...any) *Error {
	return &Error{Reason: r, Message: fmt.Sprintf(format, args...), cause: cause}
}

// Invalidf returns an INVALID_ARGUMENT error that names the field at fault.
func Invalidf(field, format string, args ...any) *Error {
	e := New(errorsv1.Reason_REASON_INVALID_ARGUMENT, "%s: %s", field, fmt.Sprintf(format, args...))
	e.Metadata = map[string]string{"field": field}
	return e
}

// ReasonOf returns the reason of err: that of the first *Error in its chain,
// else of the gRPC status or the context error that it is, else
// REASON_INTERNAL.
func ReasonOf(err error) Reason { return classify(err).Reason }
