// Command direct moves objects to and from S3 by nothing but the AWS SDK, as a
// program without Holdfast would: PutObject, for large ones the transfer
// manager, and GetObject. `make bench` compares Holdfast with it, on the same
// server.
//
//	direct -s3 URL -bucket NAME -write -bytes 4096 -clients 32 -duration 5s
//
// It prints what it came to in JSON.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// partBytes is the length of the parts of large objects, and partsInFlight how
// many of one are sent at a time: what Holdfast's adapter has.
const (
	partBytes     = 8 << 20
	partsInFlight = 2
)

// mover is a load, as test/bench has it.
type mover struct {
	client   *s3.Client
	transfer *transfermanager.Client

	bucket, prefix string
	write          bool
	bytes, files   int64
	clients        int
	duration       time.Duration
	count          int64
}

// outcome is what a load came to.
type outcome struct {
	Requests  int64
	Bytes     int64
	Elapsed   time.Duration
	Latencies []time.Duration
}

func main() {
	var m mover
	endpoint := flag.String("s3", "http://127.0.0.1:7070", "URL of S3")
	flag.StringVar(&m.bucket, "bucket", "blobs", "name of the bucket")
	flag.StringVar(&m.prefix, "prefix", "direct", "what keys begin with")
	flag.BoolVar(&m.write, "write", false, "write, else read")
	flag.Int64Var(&m.bytes, "bytes", 4<<10, "size of an object")
	flag.Int64Var(&m.files, "files", 1, "objects to choose from when reading")
	flag.IntVar(&m.clients, "clients", 1, "requests at a time")
	flag.DurationVar(&m.duration, "duration", time.Minute, "how long")
	flag.Int64Var(&m.count, "count", 0, "requests at most; 0 for no bound")
	flag.Parse()
	if err := run(context.Background(), m, *endpoint); err != nil {
		fmt.Fprintln(os.Stderr, "direct:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, m mover, endpoint string) error {
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	m.client = s3.NewFromConfig(settings, func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle = aws.String(endpoint), true
	})
	m.transfer = transfermanager.New(m.client, func(o *transfermanager.Options) {
		o.PartSizeBytes, o.Concurrency = partBytes, partsInFlight
	})
	var next, moved atomic.Int64
	var mu sync.Mutex
	var o outcome
	var failed error
	start := time.Now()
	var clients sync.WaitGroup
	for range m.clients {
		clients.Go(func() {
			latencies, err := m.work(ctx, start, &next, &moved)
			mu.Lock()
			defer mu.Unlock()
			o.Latencies = append(o.Latencies, latencies...)
			failed = errors.Join(failed, err)
		})
	}
	clients.Wait()
	o.Elapsed, o.Requests, o.Bytes = time.Since(start), int64(len(o.Latencies)), moved.Load()
	return errors.Join(failed, json.NewEncoder(os.Stdout).Encode(o))
}

// work makes requests, one after the other.
func (m mover) work(ctx context.Context, start time.Time, next, moved *atomic.Int64) (latencies []time.Duration, err error) {
	content := make([]byte, min(m.bytes, 1<<20))
	for time.Since(start) < m.duration {
		n := next.Add(1)
		if m.count > 0 && n > m.count {
			break
		}
		began := time.Now()
		if m.write {
			err = m.put(ctx, n, content)
		} else {
			err = m.get(ctx, 1+rand.Int64N(m.files)) //nolint:gosec // any file will do
		}
		if err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(began))
		moved.Add(m.bytes)
	}
	return latencies, nil
}

func (m mover) key(n int64) *string { return aws.String(fmt.Sprintf("%s/%d", m.prefix, n)) }

func (m mover) put(ctx context.Context, n int64, content []byte) error {
	if m.bytes <= int64(len(content)) {
		_, err := m.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &m.bucket, Key: m.key(n), Body: bytes.NewReader(content)})
		return err
	}
	_, err := m.transfer.UploadObject(ctx, &transfermanager.UploadObjectInput{
		Bucket: &m.bucket, Key: m.key(n), Body: io.LimitReader(&endless{content: content}, m.bytes),
	})
	return err
}

func (m mover) get(ctx context.Context, n int64) error {
	answer, err := m.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &m.bucket, Key: m.key(n)})
	if err != nil {
		return err
	}
	got, err := io.Copy(io.Discard, answer.Body)
	if err == nil && got != m.bytes {
		err = fmt.Errorf("%d bytes came, not %d", got, m.bytes)
	}
	return errors.Join(err, answer.Body.Close())
}

// endless yields the same bytes again and again.
type endless struct {
	content []byte
	at      int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.content[e.at:])
	e.at = (e.at + n) % len(e.content)
	return n, nil
}
