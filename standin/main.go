// Command standin stands in for S3 and DynamoDB where neither AWS nor
// LocalStack can be reached: versitygw on a directory, and minidyn in memory
// behind a front that is as strict as DynamoDB. What is in the tables is gone
// when it ends; the objects stay.
//
//	standin -s3 127.0.0.1:7070 -dynamodb 127.0.0.1:8000 -data DIR
//	standin -probe …     ends with 0 when both answer, for health checks
//
// With -control a test can count the calls and let some of them go wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-files/holdfast/standin/buckets"
	"github.com/holdfast-files/holdfast/standin/records"
	"github.com/holdfast-files/holdfast/standin/wire"
)

type config struct {
	buckets  buckets.Config
	records  records.Config
	dynamodb string
	control  string
	behind   string
	probe    bool
}

func main() {
	var c config
	flag.StringVar(&c.buckets.Listen, "s3", "127.0.0.1:7070", "address of S3")
	flag.StringVar(&c.dynamodb, "dynamodb", "127.0.0.1:8000", "address of DynamoDB")
	flag.StringVar(&c.buckets.Dir, "data", "standin", "directory of the objects")
	flag.StringVar(&c.buckets.AccessKey, "access-key", "test", "access key id that S3 takes")
	flag.StringVar(&c.buckets.SecretKey, "secret-key", "testtesttest", "its secret")
	flag.StringVar(&c.buckets.Region, "region", "us-east-1", "region of both")
	flag.IntVar(&c.records.PageItems, "page-items", 0, "cut DynamoDB's pages at so many items; 0 for DynamoDB's own limit")
	flag.IntVar(&c.records.ConflictEvery, "conflict-every", 0, "let every so many-th write of DynamoDB conflict; 0 for none")
	flag.StringVar(&c.control, "control", "", "address at which calls are counted and broken; empty for none")
	flag.StringVar(&c.behind, "behind", "127.0.0.1:7071", "address of S3 behind that where its calls are counted; only with -control")
	flag.BoolVar(&c.probe, "probe", false, "only tell whether both answer")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := serve
	if c.probe {
		run = probe
	}
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1) //nolint:gocritic // the signals need no release
	}
}

func serve(ctx context.Context, c config) error {
	var err error
	if c.buckets.Dir, err = filepath.Abs(c.buckets.Dir); err != nil {
		return err
	}
	tables := records.New(c.records)
	group, ctx := errgroup.WithContext(ctx)
	handlers := map[string]http.Handler{c.dynamodb: tables}
	if c.control != "" {
		between := wire.New(tables.Units)
		behind := buckets.Behind(c.behind)
		handlers = map[string]http.Handler{
			c.dynamodb: between.Handler(tables), c.buckets.Listen: between.Handler(behind), c.control: between.Control(),
		}
		c.buckets.Listen = behind.Address
	}
	group.Go(func() error { return buckets.Run(ctx, c.buckets) })
	for address, handler := range handlers {
		lis, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
		group.Go(func() error {
			if err := server.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			return server.Close()
		})
	}
	return group.Wait()
}

// probe asks both for anything; a refusal is an answer.
func probe(ctx context.Context, c config) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, address := range []string{c.buckets.Listen, c.dynamodb} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address, nil)
		if err != nil {
			return err
		}
		resp, err := new(http.Transport).RoundTrip(req)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
	}
	return nil
}
