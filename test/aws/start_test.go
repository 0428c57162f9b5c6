package aws_test

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// TestServicesStartBeforeTheirStores: while neither DynamoDB nor S3 can be
// reached, the services run, say that they aren't ready and refuse calls for
// now. When both answer, the same processes do their work.
func TestServicesStartBeforeTheirStores(t *testing.T) {
	programs, err := fleet.Build(t.Context(), t.TempDir())
	must(t, err)
	standin, err := fleet.NewStandIn(programs, t.TempDir())
	must(t, err)
	f, err := fleet.Launch(fleet.Config{Mode: fleet.Three, Programs: programs, AWS: &standin.AWS})
	must(t, err)
	t.Cleanup(func() { must(t, f.Stop()) })

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	health := map[string]string{"metadata": f.Metadata, "storage": f.Storage}
	for name, address := range health {
		for {
			out, err := healthOf(ctx, programs, name, address)
			if err != nil && strings.Contains(out, "not ready") && strings.Contains(program(f, name).Output(), "not ready yet") {
				break
			}
			if err == nil || ctx.Err() != nil || program(f, name).Exited() {
				t.Fatalf("%s: healthy: %v, says %q: %s", name, err == nil, out, program(f, name).Output())
			}
			<-time.After(100 * time.Millisecond)
		}
	}
	// Callers are told to come back.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL+"/v1/spaces/default/files", nil)
	must(t, err)
	var resp *http.Response
	for {
		resp, err = http.DefaultClient.Do(req) //nolint:forbidigo // to programs of the test
		if !errors.Is(err, syscall.ECONNREFUSED) || ctx.Err() != nil {
			break
		}
		<-time.After(50 * time.Millisecond) // the gateway gives the others a moment before it listens
	}
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a call meanwhile: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}

	must(t, standin.Serve(ctx))
	t.Cleanup(func() { must(t, standin.Kill()) })
	must(t, f.AwaitReady(ctx))
	for name, address := range health {
		for {
			out, err := healthOf(ctx, programs, name, address)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("%s is not ready: %s", name, out)
			}
			<-time.After(100 * time.Millisecond)
		}
	}
	w := &world{T: t, Fleet: f, url: f.URL + "/v1/spaces/default"}
	if status, got, err := w.try(http.MethodPut, w.url+"/paths/a", "a", []byte("bytes")); err != nil || status != http.StatusCreated {
		t.Errorf("upload: %d %s, %v", status, got, err)
	}
}

// healthOf asks a program for its health as the container does.
func healthOf(ctx context.Context, programs, name, address string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(programs, name), "health", "--listen="+address)
	command.Env = fleet.Environ()
	out, err := command.CombinedOutput()
	return string(out), err
}

func program(f *fleet.Fleet, name string) *fleet.Program {
	for _, p := range f.Programs() {
		if p.Name == name {
			return p
		}
	}
	return nil
}
