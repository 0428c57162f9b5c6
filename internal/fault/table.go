package fault

import (
	"net/http"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/grpc/codes"
)

// StatusClientClosedRequest is the HTTP status of a call whose caller went
// away. Nobody reads it but logs; the number is nginx's, no RFC has one.
const StatusClientClosedRequest = 499

type outcome struct {
	code codes.Code
	http int
}

// table says how each reason looks from the outside, indexed by the reason.
var table = [...]outcome{
	errorsv1.Reason_REASON_UNSPECIFIED:       {codes.Internal, http.StatusInternalServerError},
	errorsv1.Reason_REASON_INVALID_ARGUMENT:  {codes.InvalidArgument, http.StatusBadRequest},
	errorsv1.Reason_REASON_UNAUTHENTICATED:   {codes.Unauthenticated, http.StatusUnauthorized},
	errorsv1.Reason_REASON_PERMISSION_DENIED: {codes.PermissionDenied, http.StatusForbidden},
	errorsv1.Reason_REASON_NOT_FOUND:         {codes.NotFound, http.StatusNotFound},

	errorsv1.Reason_REASON_METHOD_NOT_ALLOWED: {codes.Unimplemented, http.StatusMethodNotAllowed},
	errorsv1.Reason_REASON_ALREADY_EXISTS:     {codes.AlreadyExists, http.StatusConflict},
	// A repetition does not help until something else has changed, which is
	// what sets FAILED_PRECONDITION apart from ABORTED.
	errorsv1.Reason_REASON_CONFLICT:            {codes.FailedPrecondition, http.StatusConflict},
	errorsv1.Reason_REASON_REQUEST_ID_REUSED:   {codes.FailedPrecondition, http.StatusConflict},
	errorsv1.Reason_REASON_OFFSET_MISMATCH:     {codes.FailedPrecondition, http.StatusConflict},
	errorsv1.Reason_REASON_UPLOAD_SUPERSEDED:   {codes.FailedPrecondition, http.StatusConflict},
	errorsv1.Reason_REASON_EXPIRED:             {codes.NotFound, http.StatusGone},
	errorsv1.Reason_REASON_PRECONDITION_FAILED: {codes.Aborted, http.StatusPreconditionFailed}, // AIP-154

	errorsv1.Reason_REASON_TOO_LARGE:             {codes.ResourceExhausted, http.StatusRequestEntityTooLarge},
	errorsv1.Reason_REASON_UNSUPPORTED_MEDIA:     {codes.InvalidArgument, http.StatusUnsupportedMediaType},
	errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE: {codes.OutOfRange, http.StatusRequestedRangeNotSatisfiable},
	errorsv1.Reason_REASON_DIGEST_MISMATCH:       {codes.InvalidArgument, http.StatusBadRequest},

	errorsv1.Reason_REASON_RATE_LIMITED:   {codes.ResourceExhausted, http.StatusTooManyRequests},
	errorsv1.Reason_REASON_QUOTA_EXCEEDED: {codes.ResourceExhausted, http.StatusInsufficientStorage},
	errorsv1.Reason_REASON_STORAGE_FULL:   {codes.ResourceExhausted, http.StatusInsufficientStorage},

	errorsv1.Reason_REASON_UNAVAILABLE:       {codes.Unavailable, http.StatusServiceUnavailable},
	errorsv1.Reason_REASON_CANCELLED:         {codes.Canceled, StatusClientClosedRequest},
	errorsv1.Reason_REASON_DEADLINE_EXCEEDED: {codes.DeadlineExceeded, http.StatusGatewayTimeout},
	errorsv1.Reason_REASON_DATA_LOSS:         {codes.DataLoss, http.StatusInternalServerError},
	errorsv1.Reason_REASON_INTERNAL:          {codes.Internal, http.StatusInternalServerError},
}

// Code returns the gRPC code of a reason; INTERNAL for one that is unknown.
func Code(r Reason) codes.Code { return look(r).code }

// HTTPStatus returns the HTTP status of a reason; 500 for one that is unknown.
func HTTPStatus(r Reason) int { return look(r).http }

func look(r Reason) outcome {
	if r < 0 || int(r) >= len(table) {
		r = errorsv1.Reason_REASON_INTERNAL
	}
	return table[r]
}
