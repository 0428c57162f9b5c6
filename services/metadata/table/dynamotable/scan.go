package dynamotable

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Scan implements table.Table. It is strongly consistent, like every read.
func (t *Table) Scan(ctx context.Context, next string, limit int) (table.Page, error) {
	if err := ctx.Err(); err != nil {
		return table.Page{}, err
	}
	if err := table.CheckLimit(limit); err != nil {
		return table.Page{}, err
	}
	start, err := parseNext(next)
	if err != nil {
		return table.Page{}, err
	}
	input := &dynamodb.ScanInput{TableName: t.name, ConsistentRead: aws.Bool(true)}
	pages := func(ctx context.Context, limit int32, start attributes) (found []attributes, next attributes, err error) {
		input.Limit, input.ExclusiveStartKey = &limit, start
		out, err := t.client.Scan(ctx, input)
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.LastEvaluatedKey, nil
	}
	page, end, err := t.page(ctx, limit, start, pages)
	if page.More {
		page.Next = formatNext(end)
	}
	return page, err
}

const nextSeparator = "."

func formatNext(end attributes) string {
	text := func(name string) string {
		if v, ok := end[name].(*types.AttributeValueMemberB); ok {
			return base64.RawURLEncoding.EncodeToString(v.Value)
		}
		return ""
	}
	return text(attrPartition) + nextSeparator + text(attrSort)
}

func parseNext(next string) (attributes, error) {
	if next == "" {
		return nil, nil
	}
	partition, sort, ok := strings.Cut(next, nextSeparator)
	if !ok {
		return nil, errNext
	}
	p, err := base64.RawURLEncoding.DecodeString(partition)
	if err != nil {
		return nil, errNext
	}
	s, err := base64.RawURLEncoding.DecodeString(sort)
	if err != nil {
		return nil, errNext
	}
	key := table.Key{Partition: string(p), Sort: string(s)}
	if table.CheckKey(key) != nil {
		return nil, errNext
	}
	return keyOf(key), nil
}
