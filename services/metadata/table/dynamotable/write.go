package dynamotable

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// write sends a single write as a request of its own.
func (c *commit) write(ctx context.Context) error {
	w := &c.writes[0]
	cond := condition(w.Cond)
	if w.Op == table.OpDelete {
		_, err := c.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: c.name, Key: keyOf(w.Item.Key), ConditionExpression: cond.pointer(),
			ExpressionAttributeNames: cond.names, ExpressionAttributeValues: cond.values,
		})
		return err
	}
	_, err := c.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: c.name, Item: encode(w.Item, string(c.mark[:])), ConditionExpression: cond.pointer(),
		ExpressionAttributeNames: cond.names, ExpressionAttributeValues: cond.values,
	})
	return err
}

// transact sends all writes as one transaction. Its token makes a repetition
// the same transaction for DynamoDB, whatever became of the first.
func (c *commit) transact(ctx context.Context) error {
	items := make([]types.TransactWriteItem, len(c.writes))
	for i := range c.writes {
		items[i] = c.item(&c.writes[i])
	}
	_, err := c.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: items, ClientRequestToken: aws.String(c.mark.String()),
	})
	return err
}

func (c *commit) item(w *table.Write) (item types.TransactWriteItem) {
	cond := condition(w.Cond)
	switch w.Op {
	case table.OpPut:
		item.Put = &types.Put{
			TableName: c.name, Item: encode(w.Item, string(c.mark[:])), ConditionExpression: cond.pointer(),
			ExpressionAttributeNames: cond.names, ExpressionAttributeValues: cond.values,
		}
	case table.OpDelete:
		item.Delete = &types.Delete{
			TableName: c.name, Key: keyOf(w.Item.Key), ConditionExpression: cond.pointer(),
			ExpressionAttributeNames: cond.names, ExpressionAttributeValues: cond.values,
		}
	case table.OpAdd:
		update, cond := increase(w, string(c.mark[:]))
		item.Update = &types.Update{
			TableName: c.name, Key: keyOf(w.Item.Key), UpdateExpression: &update, ConditionExpression: cond.pointer(),
			ExpressionAttributeNames: cond.names, ExpressionAttributeValues: cond.values,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}
	case table.OpCheck:
		if cond.text == "" { // Any: always true, and a condition must be given
			cond.text = "attribute_exists(pk) OR attribute_not_exists(pk)"
		}
		item.ConditionCheck = &types.ConditionCheck{
			TableName: c.name, Key: keyOf(w.Item.Key), ConditionExpression: cond.pointer(),
			ExpressionAttributeNames: cond.names, ExpressionAttributeValues: cond.values,
		}
	}
	return item
}
