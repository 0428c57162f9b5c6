package records

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/truora/minidyn/server"
)

// shape is a table as its maker sees it.
type shape struct {
	attributes []types.AttributeDefinition
	keys       []types.KeySchemaElement
	expiry     string         // attribute; empty for none
	partitions map[string]int // items of each that there is
}

// sorted returns the partitions in order.
func (t *shape) sorted() []string { return slices.Sorted(maps.Keys(t.partitions)) }

func (s *Server) createTable(in *server.CreateTableInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := aws.ToString(in.TableName)
	if s.tables[name] != nil {
		return nil, &fault{code: "ResourceInUseException", message: "Table already exists: " + name}
	}
	kinds := map[string]types.KeyType{partitionKey: types.KeyTypeHash, sortKey: types.KeyTypeRange}
	if len(in.KeySchema) != 2 || len(in.AttributeDefinitions) != 2 || in.BillingMode != types.BillingModePayPerRequest {
		return nil, invalid("this server has tables with two keys, paid per request")
	}
	for i, k := range in.KeySchema {
		if kinds[*k.AttributeName] != k.KeyType || in.AttributeDefinitions[i].AttributeType != types.ScalarAttributeTypeB {
			return nil, invalid("this server has binary keys pk and sk")
		}
	}
	s.tables[name] = &shape{attributes: in.AttributeDefinitions, keys: in.KeySchema, partitions: map[string]int{}}
	return map[string]any{"TableDescription": s.description(name)}, nil
}

func (s *Server) describeTable(in *server.DescribeTableInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.table(in.TableName); err != nil {
		return nil, err
	}
	return map[string]any{"Table": s.description(*in.TableName)}, nil
}

func (s *Server) description(name string) any {
	type element struct{ AttributeName, KeyType string }
	type attribute struct{ AttributeName, AttributeType string }
	var elements []element
	for _, k := range s.tables[name].keys {
		elements = append(elements, element{*k.AttributeName, string(k.KeyType)})
	}
	var attributes []attribute
	for _, a := range s.tables[name].attributes {
		attributes = append(attributes, attribute{*a.AttributeName, string(a.AttributeType)})
	}
	return map[string]any{
		"TableName": name, "TableStatus": "ACTIVE", "KeySchema": elements, "AttributeDefinitions": attributes,
	}
}

type timeToLive struct {
	TableName               *string
	TimeToLiveSpecification struct {
		AttributeName string
		Enabled       bool
	}
}

func (s *Server) describeTTL(in *timeToLive) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	description := map[string]string{"TimeToLiveStatus": "DISABLED"}
	if t.expiry != "" {
		description = map[string]string{"TimeToLiveStatus": "ENABLED", "AttributeName": t.expiry}
	}
	return map[string]any{"TimeToLiveDescription": description}, nil
}

func (s *Server) updateTTL(in *timeToLive) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if (t.expiry != "") == in.TimeToLiveSpecification.Enabled {
		return nil, invalid("TimeToLive is already as asked for")
	}
	t.expiry = in.TimeToLiveSpecification.AttributeName
	return map[string]any{"TimeToLiveSpecification": in.TimeToLiveSpecification}, nil
}

// table returns a table by name; s.mu is held.
func (s *Server) table(name *string) (*shape, error) {
	if t := s.tables[aws.ToString(name)]; t != nil {
		return t, nil
	}
	return nil, &fault{code: "ResourceNotFoundException", message: "Requested resource not found"}
}

// house makes the table of minidyn for a key unless there is one.
func (s *Server) house(k key) error {
	t := s.tables[k.table]
	if _, there := t.partitions[k.partition]; there {
		return nil
	}
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	_, err := s.engine.CreateTable(context.Background(), &server.CreateTableInput{
		TableName: aws.String(k.home()), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{text(partitionKey), text(sortKey)}, KeySchema: t.keys,
	})
	if err == nil {
		t.partitions[k.partition] = 0
	}
	return err
}

// clear drops the table of minidyn for a key when it is empty.
func (s *Server) clear(k key) error {
	t := s.tables[k.table]
	if n, there := t.partitions[k.partition]; !there || n > 0 {
		return nil
	}
	delete(t.partitions, k.partition)
	_, err := s.engine.DeleteTable(context.Background(), &server.DeleteTableInput{TableName: aws.String(k.home())})
	return err
}
