package records

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/truora/minidyn/server"
)

// undo is what there was before the newest write, which weak reads do not see.
type undo map[key]item

func (s *Server) getItem(in *server.GetItemInput) (any, error) {
	k, err := exactKey(aws.ToString(in.TableName), in.Key)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.table(in.TableName); err != nil {
		return nil, err
	}
	found, err := s.there(k)
	if err != nil {
		return nil, err
	}
	s.used.reads(size(outside(found)))
	if old, fresh := s.newest[k]; fresh && !aws.ToBool(in.ConsistentRead) {
		found = old
	}
	if len(found) == 0 {
		return struct{}{}, nil
	}
	return map[string]any{"Item": outside(found)}, nil
}

func (s *Server) query(in *server.QueryInput) (any, error) {
	var partition []byte
	for _, v := range in.ExpressionAttributeValues {
		if len(v.B) == 0 || v.N != nil || v.S != nil {
			return nil, invalid("One or more parameter values were invalid: keys are of type B and not empty")
		}
	}
	if v := in.ExpressionAttributeValues[":p"]; v != nil {
		partition = v.B
	}
	if !strings.HasPrefix(aws.ToString(in.KeyConditionExpression), "pk = :p") || partition == nil {
		return nil, invalid("Query condition missed key schema element: pk")
	}
	if err := checkBetween(in); err != nil {
		return nil, err
	}
	k := key{table: aws.ToString(in.TableName), partition: hexOf(partition)}
	for _, v := range in.ExpressionAttributeValues {
		if len(v.B) > maxSort && string(v.B) != string(partition) {
			return nil, invalid("One or more parameter values were invalid: Size of a sort key is above %d bytes", maxSort)
		}
		*v = *text(hexOf(v.B))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	p := page{limit: aws.ToInt32(in.Limit), reverse: !aws.ToBool(in.ScanIndexForward)}
	if err := p.begin(k.table, in.ExclusiveStartKey, s.config.PageItems); err != nil {
		return nil, err
	}
	if _, housed := t.partitions[k.partition]; !housed {
		s.used.reads(0)
		return p.answer(), nil
	}
	weak := !aws.ToBool(in.ConsistentRead)
	// minidyn loses its place when the item at the start key is gone, so the
	// front has it return everything and cuts the page itself.
	in.TableName, in.ExclusiveStartKey, in.Limit = aws.String(k.home()), nil, nil
	out, err := s.engine.Query(context.Background(), in)
	if err != nil {
		return nil, translate(err)
	}
	s.fill(&p, k, out.Items, weak)
	s.used.reads(p.bytes)
	return p.answer(), nil
}

// checkBetween refuses what DynamoDB refuses of a BETWEEN.
func checkBetween(in *server.QueryInput) error {
	if !strings.Contains(*in.KeyConditionExpression, "BETWEEN :f AND :l") {
		return nil
	}
	f, l := in.ExpressionAttributeValues[":f"], in.ExpressionAttributeValues[":l"]
	if f == nil || l == nil || string(f.B) > string(l.B) {
		return invalid("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")
	}
	return nil
}

func (s *Server) scan(in *server.ScanInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	p := page{limit: aws.ToInt32(in.Limit)}
	if err := p.begin(*in.TableName, in.ExclusiveStartKey, s.config.PageItems); err != nil {
		return nil, err
	}
	partitions := t.sorted()
	from, _ := slices.BinarySearch(partitions, p.start.partition)
	for _, partition := range partitions[from:] {
		k := key{table: *in.TableName, partition: partition}
		out, err := s.engine.Scan(context.Background(), &server.ScanInput{TableName: aws.String(k.home())})
		if err != nil {
			return nil, translate(err)
		}
		if s.fill(&p, k, out.Items, !aws.ToBool(in.ConsistentRead)) {
			break
		}
	}
	s.used.reads(p.bytes)
	return p.answer(), nil
}

// fill adds items of a partition to a page until it is full.
func (s *Server) fill(p *page, k key, found []item, weak bool) (full bool) {
	for _, i := range found {
		k.sort = *i[sortKey].S
		if old, fresh := s.newest[k]; fresh && weak {
			if len(old) == 0 {
				continue
			}
			i = old
		}
		if !p.add(k, i) {
			return true
		}
	}
	return false
}
