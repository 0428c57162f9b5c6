// Package standin runs the stand-in for S3 and DynamoDB, standin, as a
// process of its own for tests of the adapters, and makes requests to it go
// wrong.
package standin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/loopback"
)

// Server is a running stand-in.
type Server struct {
	// S3 and DynamoDB are the URLs of its two servers.
	S3, DynamoDB string
}

// Servers returns the servers of S3 and DynamoDB that HOLDFAST_TEST_S3 and
// HOLDFAST_TEST_DYNAMODB name, such as LocalStack's, with the credentials of the
// environment, and without them those of a stand-in with these flags.
func Servers(t *testing.T, flags ...string) Server {
	t.Helper()
	running := Server{S3: os.Getenv("HOLDFAST_TEST_S3"), DynamoDB: os.Getenv("HOLDFAST_TEST_DYNAMODB")}
	if running.S3 == "" || running.DynamoDB == "" {
		return Start(t, flags...)
	}
	return running
}

// startTimeout bounds how long the stand-in may take until it answers.
const startTimeout = time.Minute

// Start starts a stand-in with these flags, which ends with the test. It sets
// the environment that the AWS SDK reads.
func Start(t *testing.T, flags ...string) Server {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	const secret = "testtesttest"
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	addresses, err := loopback.Free(2)
	if err != nil {
		t.Fatal(err)
	}
	flags = append(flags, "-s3="+addresses[0], "-dynamodb="+addresses[1], "-data="+t.TempDir(), "-secret-key="+secret)
	command := exec.Command(program, flags...) //nolint:gosec,noctx // a program of ours, ended by the cleanup
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		if err := command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		<-ended
	})
	for _, address := range addresses {
		if err := await(t.Context(), address, ended); err != nil {
			_ = command.Process.Kill() // so that its output is whole
			<-ended
			t.Fatalf("%v: %s", err, output.String())
		}
	}
	return Server{S3: "http://" + addresses[0], DynamoDB: "http://" + addresses[1]}
}

// build returns the program: that in HOLDFAST_BIN, or one built for the tests
// of this package.
var build = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("HOLDFAST_BIN"); dir != "" {
		return filepath.Join(dir, "standin"), nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.work above the working directory")
		}
	}
	into := filepath.Join(dir, ".build", "bin", "standin")
	command := exec.Command("go", "build", "-o", into, ".") //nolint:gosec // fixed words
	command.Dir = filepath.Join(dir, "standin")
	command.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the stand-in: %w\n%s", err, out)
	}
	return into, nil
})

// await waits until a server answers anything.
func await(ctx context.Context, address string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address, nil)
		if err != nil {
			return err
		}
		transport := &http.Transport{DisableKeepAlives: true}
		resp, err := transport.RoundTrip(req)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-ended:
			return errors.New("the stand-in ended")
		case <-ctx.Done():
			return fmt.Errorf("the stand-in does not answer: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
