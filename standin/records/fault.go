package records

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// fault is an error as DynamoDB tells it.
type fault struct {
	code, message string
	item          item     // what a failed condition found
	reasons       []reason // of a cancelled transaction
}

type reason struct {
	Code    string `json:"Code"`
	Message string `json:"Message,omitempty"`
	Item    item   `json:"Item,omitempty"`
}

// Error names the code.
func (f *fault) Error() string { return f.code + ": " + f.message }

func (f *fault) wire() any {
	return struct {
		Type    string   `json:"__type"`
		Message string   `json:"message"`
		Item    item     `json:"Item,omitempty"`
		Reasons []reason `json:"CancellationReasons,omitempty"`
	}{"com.amazonaws.dynamodb.v20120810#" + f.code, f.message, f.item, f.reasons}
}

func invalid(format string, args ...any) error {
	return &fault{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

const (
	conflictCode = "TransactionConflict"
	conflictText = "Transaction is ongoing for the item"
)

// cancelled is a transaction that did not happen for one of its items.
func cancelled(items, at int, code, message string, there item) *fault {
	f := &fault{code: "TransactionCanceledException", reasons: make([]reason, items)}
	codes := make([]string, items)
	for i := range f.reasons {
		f.reasons[i].Code, codes[i] = "None", "None"
	}
	f.reasons[at], codes[at] = reason{Code: code, Message: message, Item: there}, code
	f.message = "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"
	return f
}

// translate makes an error of minidyn one of ours.
func translate(err error) error {
	if t, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for i, r := range t.CancellationReasons {
			if code := *r.Code; code != "None" {
				return cancelled(len(t.CancellationReasons), i, code, "The conditional request failed", outside(fromSDK(r.Item)))
			}
		}
	}
	if c, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return &fault{code: c.ErrorCode(), message: "The conditional request failed", item: outside(fromSDK(c.Item))}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return &fault{code: api.ErrorCode(), message: api.ErrorMessage()}
	}
	return err
}

// fromSDK reads the attributes that an error of minidyn has in the SDK's form.
func fromSDK(in map[string]types.AttributeValue) item {
	out := item{}
	for name, v := range in {
		switch v := v.(type) {
		case *types.AttributeValueMemberB:
			out[name] = &value{B: v.Value}
		case *types.AttributeValueMemberS:
			out[name] = &value{S: &v.Value}
		case *types.AttributeValueMemberN:
			out[name] = &value{N: &v.Value}
		}
	}
	return out
}
