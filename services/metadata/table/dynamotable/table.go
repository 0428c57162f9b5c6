// Package dynamotable keeps the records in one table of DynamoDB.
//
// Reads are strongly consistent. A Commit is a transaction with a client token,
// so that DynamoDB itself recognises a repetition, or one conditional write
// where a repetition can do no harm; every item also carries the mark of the
// commit that wrote it. Throttling and conflicts with other transactions are
// waited out within the caller's deadline and Config.Patience; then they are
// UNAVAILABLE.
//
// The keys spread over partitions as the records choose them. The table has
// the attributes pk and sk (binary, so that any bytes make a key and order
// bytewise), v (value), t (tag), n:name (numbers), ttl and w (the mark).
package dynamotable

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/holdfast-files/holdfast/internal/retry"
	"github.com/holdfast-files/holdfast/services/internal/sdk"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

var _ table.Table = (*Table)(nil)

// Config says which table. What it does not say (region, credentials) comes
// from the environment and the files that the AWS SDK reads.
type Config struct {
	// Table is the name of the table, or its ARN.
	Table string
	// Endpoint, when not empty, is the URL of another server than AWS's.
	Endpoint string
	// Transport, when not nil, carries the requests.
	Transport http.RoundTripper
	// Observe, when not nil, is put around what carries the requests.
	Observe func(http.RoundTripper) http.RoundTripper
	// Patience bounds one call of the port with all its repetitions, 8 s when
	// 0; the caller's deadline, when it is sooner, counts instead.
	Patience time.Duration
	// AnswerTimeout bounds one request, 3 s when 0.
	AnswerTimeout time.Duration
}

// Table implements table.Table.
type Table struct {
	client *dynamodb.Client
	name   *string
	policy retry.Policy
}

// Open returns the table. It asks DynamoDB nothing: a table that is not there
// makes the calls UNAVAILABLE. See Ensure.
//
// It returns an error when the SDK's own settings are unusable, such as when
// no region is named.
func Open(ctx context.Context, c Config) (*Table, error) {
	if c.Table == "" {
		return nil, fmt.Errorf("dynamotable: no table is named")
	}
	settings, err := sdk.Config{Transport: c.Transport, Observe: c.Observe}.Settings(ctx)
	if err != nil {
		return nil, fmt.Errorf("dynamotable: %w", err)
	}
	t := &Table{
		name: aws.String(c.Table),
		client: dynamodb.NewFromConfig(settings, func(o *dynamodb.Options) {
			if c.Endpoint != "" {
				o.BaseEndpoint = aws.String(c.Endpoint)
			}
		}),
		policy: retry.Policy{Patience: c.Patience, Attempt: c.AnswerTimeout},
	}
	if t.policy.Attempt == 0 {
		t.policy.Attempt = 3 * time.Second
	}
	return t, nil
}

// Close implements table.Table.
func (t *Table) Close() error { return nil }
