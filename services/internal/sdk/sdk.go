// Package sdk prepares the AWS SDK for the engines: settings from where users of
// AWS keep them, requests that are sent once, and a carrier of their own.
package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// Config says how the requests of an engine travel.
type Config struct {
	// Transport, when not nil, carries the requests.
	Transport http.RoundTripper
	// Observe, when not nil, is put around what carries the requests.
	Observe func(http.RoundTripper) http.RoundTripper
	// BufferBytes is the size of each of the two buffers of a connection, that of
	// net/http when 0.
	BufferBytes int
}

// idleConnections are kept to the one host there is; the default of 10 would
// open and close connections all the time.
const idleConnections = 256

// Settings returns the settings for a client of one service. Region, credentials
// and the like come from the environment and the files that the SDK reads. No
// request is repeated: which repetition may do harm, only the engine knows.
//
// It returns an error when the settings cannot be used, such as when no region
// is named. It sends nothing.
func (c Config) Settings(ctx context.Context) (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idleConnections
		t.ReadBufferSize, t.WriteBufferSize = c.BufferBytes, c.BufferBytes
	})
	settings, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(client),
		config.WithLogger(logging.Nop{}), // what matters comes back as an error
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		return aws.Config{}, fmt.Errorf("settings of AWS: %w", err)
	}
	if settings.Region == "" {
		return aws.Config{}, errors.New("AWS_REGION is not set")
	}
	carrier := c.Transport
	if carrier == nil {
		// The SDK may have given the client the authorities of AWS_CA_BUNDLE.
		if own, ok := settings.HTTPClient.(*awshttp.BuildableClient); ok {
			client = own
		}
		carrier = client.GetTransport()
	}
	if c.Observe != nil {
		carrier = c.Observe(carrier)
	}
	settings.HTTPClient = &http.Client{Transport: readOnly{carrier}, CheckRedirect: noRedirects}
	return settings, nil
}

// A redirect is an answer, as it is to the SDK's own client.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// readOnly shows net/http nothing of a body but Read and Close.
//
// The SDK closes the body of a request as soon as an answer has begun, and the
// WriteTo of a body that is closed returns io.EOF. net/http looks for bytes
// beyond the declared length by io.Copy, to which that is a failure: when the
// answer was quick it closes the connection, with an answer on it that nobody
// has read.
type readOnly struct{ next http.RoundTripper }

func (t readOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, writes := r.Body.(io.WriterTo); writes {
		hidden := *r
		hidden.Body = struct{ io.ReadCloser }{r.Body}
		r = &hidden
	}
	return t.next.RoundTrip(r)
}
