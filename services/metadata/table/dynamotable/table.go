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
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/holdfast-files/holdfast/internal/retry"
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

// idleConnections are kept to the one host there is; the default of 10 would
// open and close connections all the time.
const idleConnections = 256

// carrier returns what carries the requests.
func (c Config) carrier(client *awshttp.BuildableClient) http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	return client.GetTransport()
}

// A redirect is an answer, as it is to the SDK's own client.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Open returns the table. It asks DynamoDB nothing: a table that is not there
// makes the calls UNAVAILABLE. See Ensure.
//
// It returns an error when the SDK's own settings are unusable, such as when
// no region is named.
func Open(ctx context.Context, c Config) (*Table, error) {
	if c.Table == "" {
		return nil, fmt.Errorf("dynamotable: no table is named")
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idleConnections
	})
	settings, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(client),
		config.WithLogger(logging.Nop{}), // what matters comes back as an error
		// Which repetition may do harm, only this package knows.
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		return nil, fmt.Errorf("dynamotable: settings of AWS: %w", err)
	}
	if settings.Region == "" {
		return nil, fmt.Errorf("dynamotable: AWS_REGION is not set")
	}
	t := &Table{
		name: aws.String(c.Table),
		client: dynamodb.NewFromConfig(settings, func(o *dynamodb.Options) {
			if c.Endpoint != "" {
				o.BaseEndpoint = aws.String(c.Endpoint)
			}
			if c.Transport != nil {
				o.HTTPClient = &http.Client{Transport: c.Transport}
			}
			if c.Observe != nil {
				o.HTTPClient = &http.Client{Transport: c.Observe(c.carrier(client)), CheckRedirect: noRedirects}
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
