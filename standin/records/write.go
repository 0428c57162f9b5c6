package records

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/truora/minidyn/server"
)

// Limits of DynamoDB.
const (
	maxItem        = 400 << 10
	maxTransaction = 4 << 20
	maxWrites      = 100
)

func (s *Server) putItem(in *server.PutItemInput) (any, error) {
	k, err := s.check(aws.ToString(in.TableName), in.Item, true)
	if err != nil {
		return nil, err
	}
	in.TableName, in.Item = aws.String(k.home()), inside(k, in.Item)
	return struct{}{}, s.alone(k, func() error {
		_, err := s.engine.PutItem(context.Background(), in)
		return err
	}, 1)
}

func (s *Server) deleteItem(in *server.DeleteItemInput) (any, error) {
	k, err := s.check(aws.ToString(in.TableName), in.Key, false)
	if err != nil {
		return nil, err
	}
	in.TableName, in.Key = aws.String(k.home()), k.attributes()
	return struct{}{}, s.alone(k, func() error {
		_, err := s.engine.DeleteItem(context.Background(), in)
		return err
	}, 0)
}

// check returns the key of a write, whole tells that it brings an item.
func (s *Server) check(table string, i item, whole bool) (key, error) {
	if !whole {
		return exactKey(table, i)
	}
	k, err := keyOf(table, i)
	if err == nil && size(i) > maxItem {
		err = invalid("Item size has exceeded the maximum allowed size")
	}
	return k, err
}

// alone carries out a write of one item; after is how many there are of it then.
func (s *Server) alone(k key, write func() error, after int) error {
	conflict := &fault{code: "TransactionConflictException", message: conflictText}
	if !s.busy.enter(k) {
		return conflict
	}
	defer s.busy.leave(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.table(&k.table); err != nil {
		return err
	}
	if s.unlucky() {
		return conflict
	}
	return s.carryOut([]key{k}, []int{after}, false, write)
}

// unlucky reports whether this write is one of those that have to conflict.
func (s *Server) unlucky() bool {
	s.writes++
	return s.config.ConflictEvery > 0 && s.writes%s.config.ConflictEvery == 0
}

// carryOut has minidyn do a write of these keys; s.mu is held.
func (s *Server) carryOut(keys []key, after []int, transaction bool, write func() error) error {
	before := undo{}
	for _, k := range keys {
		if err := s.house(k); err != nil {
			return err
		}
		old, err := s.there(k)
		if err != nil {
			return err
		}
		before[k] = old
	}
	err := write()
	for i, k := range keys {
		if err != nil {
			break
		}
		left, failed := s.there(k)
		if failed != nil {
			return failed
		}
		s.used.writes(before[k], left, transaction)
		if after[i] >= 0 {
			s.tables[k.table].partitions[k.partition] += after[i]
			if len(before[k]) > 0 {
				s.tables[k.table].partitions[k.partition]--
			}
		}
	}
	for _, k := range keys { // when all have been counted: they may share a partition
		if err := s.clear(k); err != nil {
			return err
		}
	}
	if err != nil {
		return translate(err)
	}
	s.newest = before
	return nil
}

// there returns the item that minidyn has under a key.
func (s *Server) there(k key) (item, error) {
	if _, housed := s.tables[k.table].partitions[k.partition]; !housed {
		return nil, nil
	}
	out, err := s.engine.GetItem(context.Background(), &server.GetItemInput{TableName: aws.String(k.home()), Key: k.attributes()})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}
