package dynamotable

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// commit is a Commit on its way.
type commit struct {
	*Table
	writes []table.Write
	// mark is what DynamoDB knows the commit by, for ten minutes, and what its
	// items carry.
	mark uuid.UUID
	// doubtful tells that a try may have taken effect.
	doubtful bool
}

// Commit implements table.Table. One write under a condition on absence or on
// a tag is a plain request, at half the price of a transaction; all else is a
// transaction.
func (t *Table) Commit(ctx context.Context, writes []table.Write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := table.CheckWrites(writes); err != nil {
		return err
	}
	c := &commit{Table: t, writes: writes, mark: uuid.New()}
	try := c.transact
	if len(writes) == 1 && plain(&writes[0]) {
		try = c.write
	}
	err := t.policy.Do(ctx, try, func(err error) bool {
		verdict := judge(err)
		c.doubtful = c.doubtful || verdict == unknown
		return verdict != final
	})
	return translate(c.outcome(ctx, err))
}

// plain reports whether a write may be sent twice without a client token: the
// condition of the second does not hold once the first has taken effect.
func plain(w *table.Write) bool {
	switch w.Cond.Kind() {
	case table.CondAbsent:
		return w.Op == table.OpPut
	case table.CondTag:
		return w.Op == table.OpDelete || w.Op == table.OpPut && w.Item.Tag != w.Cond.Tag()
	}
	return false
}

// outcome returns what the last answer means. When a condition did not hold
// but a try before may have taken effect, the condition may have failed on just
// that: then the mark tells.
func (c *commit) outcome(ctx context.Context, err error) error {
	failed, condition := conditions(err)
	if !condition {
		return c.invalid(err)
	}
	if c.doubtful {
		if ours, err := c.ours(ctx); ours || err != nil {
			return err
		}
		if len(c.writes) == 1 && plain(&c.writes[0]) {
			// Ours, and overwritten since? Or never there? Nobody can tell.
			return unavailable(err)
		}
		// A transaction that had taken effect DynamoDB would have recognised.
	}
	for _, f := range failed {
		w := &c.writes[f.index]
		if w.Op != table.OpAdd {
			continue
		}
		if err := refused(w, f.item); err != nil {
			return err
		}
	}
	refusal := new(table.ConditionError)
	for _, f := range failed {
		refusal.Failed = append(refusal.Failed, f.index)
	}
	return refusal
}

// ours reports whether an item carries the mark of this commit.
func (c *commit) ours(ctx context.Context) (bool, error) {
	i := slices.IndexFunc(c.writes, func(w table.Write) bool { return w.Op == table.OpPut || w.Op == table.OpAdd })
	if i < 0 {
		return false, nil
	}
	found, err := c.get(ctx, c.writes[i].Item.Key)
	return err == nil && markOf(found) == string(c.mark[:]), err
}

// failure is a condition that did not hold.
type failure struct {
	index int
	item  attributes // what was there instead, when DynamoDB said so
}

// conditions returns the conditions that did not hold when that is what err
// tells.
func conditions(err error) ([]failure, bool) {
	if single, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return []failure{{item: single.Item}}, true
	}
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return nil, false
	}
	var failed []failure
	for i, r := range cancelled.CancellationReasons {
		if value(r.Code) == "ConditionalCheckFailed" {
			failed = append(failed, failure{index: i, item: r.Item})
		}
	}
	return failed, len(failed) > 0
}

// invalid tells when DynamoDB found a request malformed: CheckWrites lets
// nothing of the kind through, but for the sum of an Add.
func (c *commit) invalid(err error) error {
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok && judge(err) == final {
		for _, r := range cancelled.CancellationReasons {
			if value(r.Code) == "ValidationError" {
				return fmt.Errorf("%w: %s", table.ErrInvalid, value(r.Message))
			}
		}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ValidationException" {
		return fmt.Errorf("%w: %s", table.ErrInvalid, api.ErrorMessage())
	}
	return err
}
