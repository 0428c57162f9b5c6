package s3blob

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/retry"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// verdict says what an error of a request means for the next step.
type verdict int

const (
	final   verdict = iota // it was refused, and would be again
	refusal                // it was refused, and later may not be
	unknown                // it may have taken effect
)

// Codes of errors with a status below 500 that a later try may cure. BadDigest
// is a body that was damaged on its way.
var passing = []string{
	"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestTimeTooSkewed",
	"OperationAborted", "ConditionalRequestConflict", "BadDigest", "XAmzContentChecksumMismatch",
}

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// statusOf returns the status of the answer that err is, 0 when there was none.
func statusOf(err error) int {
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return answer.HTTPStatusCode()
	}
	return 0
}

// judge returns what the error of a request means.
func judge(err error) verdict {
	if _, ours := errors.AsType[*fault.Error](err); ours {
		return final
	}
	switch status := statusOf(err); {
	case codeOf(err) == "": // no answer, or one that was cut
		return unknown
	case slices.Contains(passing, codeOf(err)), status == http.StatusTooManyRequests:
		return refusal
	case status == http.StatusInsufficientStorage:
		return final
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		return final
	}
	return unknown // also an error that comes with a status of success
}

func absent(err error) bool {
	return statusOf(err) == http.StatusNotFound && codeOf(err) != "NoSuchBucket"
}

// retryAfter is what a caller is told to wait when the patience is over.
const retryAfter = 2 * time.Second

// translate gives an error that calls for no repetition, or for none any more,
// its reason.
func translate(err error) error {
	var known *fault.Error
	if body, ok := errors.AsType[*bodyError](err); ok {
		return body.error
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrExists), errors.Is(err, blob.ErrRange):
		return err
	case statusOf(err) == http.StatusInsufficientStorage:
		return fault.Wrap(err, errorsv1.Reason_REASON_STORAGE_FULL, "no room left for blobs")
	case retry.Unanswered(err), judge(err) != final,
		codeOf(err) == "NoSuchBucket", codeOf(err) == "NoSuchUpload": // which a Delete has ended
		e := fault.Wrap(err, errorsv1.Reason_REASON_UNAVAILABLE, "the blob store is busy or cannot be reached; retry")
		e.RetryAfter = retryAfter
		return e
	}
	return fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "the blob store refused a request")
}

// Damage, as the cause of a DATA_LOSS.
var (
	errChecksum = errors.New("s3blob: checksum mismatch")
	errLength   = errors.New("s3blob: no blob has an object of this length")
)

func errDamaged(id blob.ID, cause error) error {
	return fault.Wrap(cause, errorsv1.Reason_REASON_DATA_LOSS, "blob %s is damaged", id)
}

var errTooLarge = fault.New(errorsv1.Reason_REASON_TOO_LARGE,
	"S3 takes no more than %d parts of one blob", maxParts)
