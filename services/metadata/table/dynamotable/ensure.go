package dynamotable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/holdfast-files/holdfast/internal/retry"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Ensure makes the table unless it is there, on demand and with expiry, and
// waits until it works, however long ctx allows. It may be called by several
// at once. In an account the table is made by deploy, with backups; this is
// for other servers.
//
// It returns an error when there is a table of that name with other keys.
func Ensure(ctx context.Context, c Config) error {
	t, err := Open(ctx, c)
	if err != nil {
		return err
	}
	t.policy.Patience = forever
	if err := t.make(ctx); err != nil {
		return err
	}
	if err := t.awaitActive(ctx); err != nil {
		return err
	}
	if err := t.expire(ctx); err != nil {
		return err
	}
	// The table is active before it answers reads.
	_, err = t.Get(ctx, table.Key{Partition: "M", Sort: "ENSURE"})
	if errors.Is(err, table.ErrNotFound) {
		err = nil
	}
	return err
}

// forever leaves the waiting to the caller's deadline.
const forever = 365 * 24 * time.Hour

func (t *Table) make(ctx context.Context) error {
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeB}
	}
	input := &dynamodb.CreateTableInput{
		TableName:            t.name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{attribute(attrPartition), attribute(attrSort)},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(attrPartition), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(attrSort), KeyType: types.KeyTypeRange},
		},
	}
	return t.settle(ctx, func(ctx context.Context) error {
		found, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: t.name})
		if err == nil {
			return fits(found.Table)
		}
		if _, none := errors.AsType[*types.ResourceNotFoundException](err); !none {
			return err
		}
		_, err = t.client.CreateTable(ctx, input)
		if _, late := errors.AsType[*types.ResourceInUseException](err); late {
			return nil
		}
		return err
	})
}

// fits tells whether a table has the keys that the adapter needs.
func fits(found *types.TableDescription) error {
	kinds := map[string]types.KeyType{attrPartition: types.KeyTypeHash, attrSort: types.KeyTypeRange}
	fit := len(found.KeySchema) == len(kinds)
	for _, k := range found.KeySchema {
		fit = fit && kinds[value(k.AttributeName)] == k.KeyType
	}
	for _, a := range found.AttributeDefinitions {
		if _, key := kinds[value(a.AttributeName)]; key {
			fit = fit && a.AttributeType == types.ScalarAttributeTypeB
		}
	}
	if !fit {
		return fmt.Errorf("dynamotable: table %s has other keys than pk and sk, both binary", value(found.TableName))
	}
	return nil
}

var errNotActive = errors.New("the table is not active yet")

func (t *Table) awaitActive(ctx context.Context) error {
	return t.settle(ctx, func(ctx context.Context) error {
		found, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: t.name})
		if err != nil {
			return err
		}
		if s := found.Table.TableStatus; s != types.TableStatusActive && s != types.TableStatusUpdating {
			return errNotActive
		}
		return fits(found.Table)
	})
}

// expire turns on the expiry of items.
func (t *Table) expire(ctx context.Context) error {
	return t.settle(ctx, func(ctx context.Context) error {
		found, err := t.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: t.name})
		if err != nil {
			return err
		}
		switch found.TimeToLiveDescription.TimeToLiveStatus {
		case types.TimeToLiveStatusEnabled, types.TimeToLiveStatusEnabling:
			return nil
		}
		_, err = t.client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName:               t.name,
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(attrExpires), Enabled: aws.Bool(true)},
		})
		return err
	})
}

// settle repeats a step that may be done twice.
func (t *Table) settle(ctx context.Context, step func(context.Context) error) error {
	return t.policy.Do(ctx, step, func(err error) bool {
		_, none := errors.AsType[*types.ResourceNotFoundException](err)
		_, answered := errors.AsType[*awshttp.ResponseError](err)
		// Without an answer there was an error of the connection, or one of ours.
		_, sent := errors.AsType[*smithy.OperationError](err)
		return none || errors.Is(err, errNotActive) || retry.Unanswered(err) || sent && (!answered || judge(err) != final)
	})
}
