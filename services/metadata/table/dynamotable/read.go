package dynamotable

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Get implements table.Table. It is one strongly consistent read.
func (t *Table) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := ctx.Err(); err != nil {
		return table.Item{}, err
	}
	if err := table.CheckKey(key); err != nil {
		return table.Item{}, err
	}
	found, err := t.get(ctx, key)
	if err != nil {
		return table.Item{}, translate(err)
	}
	if len(found) == 0 {
		return table.Item{}, table.ErrNotFound
	}
	return decode(found)
}

// get returns the attributes of an item, none when it is not there.
func (t *Table) get(ctx context.Context, key table.Key) (found attributes, err error) {
	input := &dynamodb.GetItemInput{TableName: t.name, Key: keyOf(key), ConsistentRead: aws.Bool(true)}
	err = t.read(ctx, func(ctx context.Context) error {
		out, err := t.client.GetItem(ctx, input)
		if err == nil {
			found = out.Item
		}
		return err
	})
	return found, err
}

// read repeats a request that changes nothing.
func (t *Table) read(ctx context.Context, request func(context.Context) error) error {
	return t.policy.Do(ctx, request, func(err error) bool { return judge(err) != final })
}

// Query implements table.Table.
func (t *Table) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := ctx.Err(); err != nil {
		return table.Page{}, err
	}
	if err := table.CheckQuery(q); err != nil {
		return table.Page{}, err
	}
	keys, some := keyCondition(q)
	if !some {
		return table.Page{}, nil
	}
	input := &dynamodb.QueryInput{
		TableName: t.name, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String(keys.text), ExpressionAttributeValues: keys.values,
		ScanIndexForward: aws.Bool(!q.Reverse),
	}
	pages := func(ctx context.Context, limit int32, start attributes) (found []attributes, next attributes, err error) {
		input.Limit, input.ExclusiveStartKey = &limit, start
		out, err := t.client.Query(ctx, input)
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.LastEvaluatedKey, nil
	}
	page, _, err := t.page(ctx, q.Limit, nil, pages)
	return page, err
}

// fetch asks for a page of at most limit items behind start. next is the key
// that the one behind it starts at, empty when there is none.
type fetch func(ctx context.Context, limit int32, start attributes) (found []attributes, next attributes, err error)

// fullBytes is how large a page must be for a short answer not to be followed
// by another: DynamoDB counts more to an item than table.Size.
const fullBytes = table.MaxPageBytes / 2

// page gathers a page, of more than one answer when they are cut early for
// another reason than their size. next is where it ended, empty when there is
// nothing more.
func (t *Table) page(ctx context.Context, limit int, start attributes, pages fetch) (page table.Page, next attributes, err error) {
	size := 0
	for {
		var found []attributes
		err = t.read(ctx, func(ctx context.Context) (err error) {
			found, next, err = pages(ctx, int32(limit-len(page.Items)), start)
			return err
		})
		if err != nil {
			return table.Page{}, nil, translate(err)
		}
		for _, a := range found {
			item, err := decode(a)
			if err != nil {
				return table.Page{}, nil, err
			}
			if size += table.Size(item); size > table.MaxPageBytes && len(page.Items) > 0 {
				page.More = true
				return page, keyOf(page.Items[len(page.Items)-1].Key), nil
			}
			page.Items = append(page.Items, item)
		}
		page.More = len(next) > 0
		if !page.More || len(page.Items) >= limit || size >= fullBytes {
			return page, next, nil
		}
		start = next
	}
}
