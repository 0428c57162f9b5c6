package records

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/truora/minidyn/server"
)

func (s *Server) transact(in *server.TransactWriteItemsInput, body []byte) (any, error) {
	n := len(in.TransactItems)
	if n < 1 || n > maxWrites {
		return nil, invalid("Member must have length less than or equal to %d and at least 1, but has %d", maxWrites, n)
	}
	keys := make([]key, n)
	after := make([]int, n)
	bytes := 0
	for i := range in.TransactItems {
		k, items, weight, err := s.part(&in.TransactItems[i])
		if err != nil {
			return nil, err
		}
		if slices.Contains(keys[:i], k) {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		keys[i], after[i] = k, items
		bytes += weight
	}
	if bytes > maxTransaction {
		return nil, invalid("Transaction request exceeds the maximum size of %d bytes", maxTransaction)
	}
	if i := s.busy.enterAll(keys); i >= 0 {
		return nil, cancelled(n, i, conflictCode, conflictText, nil)
	}
	defer s.busy.leave(keys...)
	s.mu.Lock()
	defer s.mu.Unlock()
	return struct{}{}, s.transactLocked(in, body, keys, after)
}

func (s *Server) transactLocked(in *server.TransactWriteItemsInput, body []byte, keys []key, after []int) error {
	for _, k := range keys {
		if _, err := s.table(&k.table); err != nil {
			return err
		}
	}
	token, request := aws.ToString(in.ClientRequestToken), fingerprint(body)
	if done, err := s.tokens.known(token, request); done || err != nil {
		return err
	}
	if s.unlucky() {
		return cancelled(len(keys), len(keys)-1, conflictCode, conflictText, nil)
	}
	err := s.carryOut(keys, after, true, func() error {
		sums, err := s.sums(in.TransactItems, keys)
		if err != nil {
			return err
		}
		if _, err := s.engine.TransactWriteItems(context.Background(), in); err != nil {
			return err
		}
		return s.exact(sums)
	})
	if err == nil {
		s.tokens.remember(token, request)
	}
	return err
}

// part makes one write of a transaction minidyn's, and returns its key, how
// many items there are under it then (-1: as many as before) and what it counts
// to the size of the transaction.
func (s *Server) part(w *server.TransactWriteItem) (k key, after, weight int, err error) {
	switch {
	case w.Put != nil:
		k, err = s.check(aws.ToString(w.Put.TableName), w.Put.Item, true)
		weight, after = size(w.Put.Item), 1
		w.Put.TableName, w.Put.Item = aws.String(k.home()), inside(k, w.Put.Item)
	case w.Update != nil:
		k, err = s.check(aws.ToString(w.Update.TableName), w.Update.Key, false)
		weight, after = size(w.Update.Key), 1
		w.Update.TableName, w.Update.Key = aws.String(k.home()), k.attributes()
	case w.Delete != nil:
		k, err = s.check(aws.ToString(w.Delete.TableName), w.Delete.Key, false)
		weight = size(w.Delete.Key)
		w.Delete.TableName, w.Delete.Key = aws.String(k.home()), k.attributes()
	case w.ConditionCheck != nil:
		k, err = s.check(aws.ToString(w.ConditionCheck.TableName), w.ConditionCheck.Key, false)
		weight, after = size(w.ConditionCheck.Key), -1
		w.ConditionCheck.TableName, w.ConditionCheck.Key = aws.String(k.home()), k.attributes()
	default:
		err = invalid("a transaction has puts, updates, deletes and checks")
	}
	return k, after, weight, err
}

// tokens are the transactions that have happened, by client token.
type tokens map[string]done

type done struct {
	request [sha256.Size]byte
	at      time.Time
}

// tokenLife is how long DynamoDB knows a token.
const tokenLife = 10 * time.Minute

// known reports whether a transaction has happened.
func (t tokens) known(token string, request [sha256.Size]byte) (bool, error) {
	d, ok := t[token]
	if !ok || token == "" || time.Since(d.at) > tokenLife {
		return false, nil
	}
	if d.request != request {
		return false, &fault{code: "IdempotentParameterMismatchException", message: "the token was used for another transaction"}
	}
	return true, nil
}

// maxTokens bounds the memory.
const maxTokens = 100_000

func (t tokens) remember(token string, request [sha256.Size]byte) {
	if len(t) > maxTokens {
		for token, d := range t {
			if time.Since(d.at) > tokenLife {
				delete(t, token)
			}
		}
	}
	t[token] = done{request: request, at: time.Now()}
}

// fingerprint tells requests apart by what they ask for; the order of the
// fields of a JSON object means nothing.
func fingerprint(body []byte) [sha256.Size]byte {
	var content any
	if err := json.Unmarshal(body, &content); err != nil {
		return sha256.Sum256(body)
	}
	sorted, err := json.Marshal(content)
	if err != nil {
		return sha256.Sum256(body)
	}
	return sha256.Sum256(sorted)
}
