package dynamotable

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/retry"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// verdict says what an error of a request means for the next step.
type verdict int

const (
	final   verdict = iota // it was refused, and would be again
	refusal                // it was refused, and later may not be
	unknown                // it may have taken effect
)

// Codes of errors that tell that a request was refused for now.
var busy = []string{
	"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
	"TransactionConflictException", "LimitExceededException", "LimitExceeded",
	"ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict", // within a cancelled transaction
}

// judge returns what err means.
func judge(err error) verdict {
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		// A condition that failed counts more than a conflict beside it, which
		// it was not evaluated under.
		later := false
		for _, r := range cancelled.CancellationReasons {
			code := value(r.Code)
			if code == "ConditionalCheckFailed" || code == "ValidationError" {
				return final
			}
			later = later || slices.Contains(busy, code)
		}
		if later {
			return refusal
		}
		return final
	}
	api, told := errors.AsType[smithy.APIError](err)
	switch {
	case !told:
		return unknown // no answer, or one that was cut
	case slices.Contains(busy, api.ErrorCode()):
		return refusal
	case api.ErrorCode() == "TransactionInProgressException":
		return unknown // our own try is still under way
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		switch status := answer.HTTPStatusCode(); {
		case status == http.StatusTooManyRequests:
			return refusal
		case status >= http.StatusInternalServerError:
			return unknown
		case status >= http.StatusBadRequest:
			return final
		}
	}
	return unknown
}

// retryAfter is what a caller is told to wait when the patience is over.
const retryAfter = 2 * time.Second

// translate gives an error that calls for no repetition, or for none any more,
// its reason.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ours := errors.AsType[*table.ConditionError](err); ours {
		return err
	}
	var known *fault.Error
	switch {
	case errors.As(err, &known), errors.Is(err, table.ErrNotFound):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case retry.Unanswered(err), judge(err) != final:
		return unavailable(err)
	}
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		return unavailable(err) // the table is being made, or restored
	}
	return fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "the record table refused a request")
}

func unavailable(cause error) error {
	e := fault.Wrap(cause, errorsv1.Reason_REASON_UNAVAILABLE, "the record table is busy or cannot be reached; retry")
	e.RetryAfter = retryAfter
	return e
}

var errNext = fmt.Errorf("%w: next is not of a page before", table.ErrInvalid)

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
