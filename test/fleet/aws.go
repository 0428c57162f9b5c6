package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/holdfast-files/holdfast/internal/loopback"
)

// AWS are the servers of S3 and DynamoDB that the services of a fleet use, with
// a bucket and a table on them.
type AWS struct {
	// S3 and DynamoDB are their URLs.
	S3, DynamoDB  string
	Bucket, Table string
}

// credentials are those that the stand-in takes.
const secretKey = "testtesttest"

// Environ returns the variables by which the AWS SDK reaches the servers.
func (AWS) Environ() []string {
	return []string{"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=" + secretKey}
}

// StandIn is a running stand-in for AWS.
type StandIn struct {
	AWS
	// Control is the URL at which calls are counted and broken.
	Control string
	*Program
}

// StartStandIn starts the stand-in, and makes the bucket and the table. The
// objects lie in a folder of dataDir; the tables are gone when it ends.
func StartStandIn(ctx context.Context, programs, dataDir string, flags ...string) (*StandIn, error) {
	s, err := NewStandIn(programs, dataDir, flags...)
	if err != nil {
		return nil, err
	}
	return s, s.Serve(ctx)
}

// NewStandIn is a stand-in that does not run yet, and can't be reached.
func NewStandIn(programs, dataDir string, flags ...string) (*StandIn, error) {
	addresses, err := loopback.Free(4)
	if err != nil {
		return nil, err
	}
	s := &StandIn{
		AWS: AWS{
			S3: "http://" + addresses[0], DynamoDB: "http://" + addresses[1], Bucket: "blobs", Table: "records",
		},
		Control: "http://" + addresses[2],
	}
	s.Program = &Program{Name: "standin", command: append([]string{
		filepath.Join(programs, "standin"),
		"-s3=" + addresses[0], "-dynamodb=" + addresses[1], "-control=" + addresses[2], "-behind=" + addresses[3],
		"-secret-key=" + secretKey, "-data=" + filepath.Join(dataDir, "standin"),
	}, flags...)}
	return s, nil
}

// Serve starts the stand-in and makes the bucket and the table.
func (s *StandIn) Serve(ctx context.Context) error {
	if err := s.Start(); err != nil {
		return err
	}
	if err := s.bootstrap(ctx, filepath.Dir(s.command[0])); err != nil {
		return errors.Join(err, s.Kill(), errors.New(s.Output()))
	}
	return nil
}

// bootstrap waits until the servers answer and makes what the services need.
func (s *StandIn) bootstrap(ctx context.Context, programs string) error {
	command := exec.CommandContext(ctx, filepath.Join(programs, "holdfast"), "bootstrap",
		"--table="+s.Table, "--bucket="+s.Bucket, "--dynamodb-endpoint="+s.DynamoDB, "--s3-endpoint="+s.S3,
		"--timeout=1m")
	command.Env = append(Environ(), s.Environ()...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("bootstrap: %w: %s", err, out)
	}
	return nil
}

// Break lets one call of so many go wrong from now on; of 0, none.
func (s *StandIn) Break(ctx context.Context, one int, seed uint64) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	url := fmt.Sprintf("%s/faults?one=%d&seed=%d", s.Control, one, seed)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // to a program of the test
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}

// engineFlags returns what metadata and storage are told of their engines.
func (c Config) engineFlags() (metadata, storage []string) {
	if c.AWS == nil {
		dir := "--data-dir=" + c.DataDir
		return []string{dir}, []string{dir}
	}
	return []string{"--engine=dynamodb", "--table=" + c.AWS.Table, "--dynamodb-endpoint=" + c.AWS.DynamoDB},
		[]string{"--engine=s3", "--bucket=" + c.AWS.Bucket, "--s3-endpoint=" + c.AWS.S3}
}
