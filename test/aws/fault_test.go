// Package aws_test runs the whole service, as three processes, on the engines of
// AWS: S3 and DynamoDB, for which the stand-ins stand in.
package aws_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// world is a service on the stand-ins.
type world struct {
	*testing.T
	*fleet.Fleet
	standin  *fleet.StandIn
	programs string
	url      string
}

func start(t *testing.T, flags map[string]string, standinFlags ...string) *world {
	t.Helper()
	programs, err := fleet.Build(t.Context(), t.TempDir())
	must(t, err)
	standin, err := fleet.StartStandIn(t.Context(), programs, t.TempDir(), standinFlags...)
	must(t, err)
	t.Cleanup(func() { must(t, standin.Kill()) })
	f, err := fleet.Start(t.Context(), fleet.Config{
		Mode: fleet.Three, Programs: programs, AWS: &standin.AWS, Flags: flags,
	})
	must(t, err)
	t.Cleanup(func() { must(t, f.Stop()) })
	return &world{T: t, Fleet: f, standin: standin, programs: programs, url: f.URL + "/v1/spaces/default"}
}

// try sends a request, again while the answer is that a later try may cure it.
// The key makes it happen once.
func (w *world) try(method, url, key string, body []byte) (status int, got []byte, err error) {
	for {
		req, err := http.NewRequestWithContext(w.Context(), method, url, bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // to programs of the test
		if err != nil {
			return 0, nil, err
		}
		got, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil && method != http.MethodGet {
			return 0, nil, err
		}
		if err == nil && resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusGatewayTimeout {
			return resp.StatusCode, got, nil
		}
		select {
		case <-w.Context().Done():
			return 0, nil, w.Context().Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestThousandsOfOperationsOnFaultyBackends: clients upload, overwrite,
// download, rename and delete while one call of AWS in so many goes wrong, in
// every way. Everything ends as it would have without faults, and an inspection
// from outside finds nothing, and no blob too many.
func TestThousandsOfOperationsOnFaultyBackends(t *testing.T) {
	files := fleet.Amount("SOAK_FILES", 120, 1500)
	const clients = 6
	w := start(t, map[string]string{
		"sweep-interval": "100ms", "sweep-lease": "5s", "blob-retention": "1s", "trash-retention": "1s", "sweep-grace": "1s", "log-level": "error",
	}, "-conflict-every=37")
	must(t, w.standin.Break(t.Context(), 12, 7))
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for i := client; i < files; i += clients {
				w.life(i)
			}
		})
	}
	all.Wait()
	must(t, w.standin.Break(t.Context(), 0, 0))
	var page struct {
		Files []struct{ DisplayName, SizeBytes, Sha256 string }
	}
	status, body, err := w.try(http.MethodGet, w.url+"/files?path=/kept&pageSize=1000", "", nil)
	must(t, err)
	if status != http.StatusOK {
		t.Fatalf("list: %d %s", status, body)
	}
	must(t, json.Unmarshal(body, &page))
	kept := map[string]string{}
	for _, f := range page.Files {
		kept[f.DisplayName] = f.Sha256
	}
	want := 0
	for i := range files {
		if i%3 == 2 {
			continue // deleted
		}
		want++
		if sum := sha256.Sum256(second(i)); kept[fmt.Sprintf("f%04d", i)] != hex.EncodeToString(sum[:]) {
			t.Errorf("file %d is not as it was written last", i)
		}
	}
	if len(kept) != want {
		t.Errorf("%d files are there, want %d", len(kept), want)
	}
	// One blob for each of the two revisions that a kept file has.
	w.sound(2 * want)
}

func first(i int) []byte  { return bytes.Repeat([]byte{byte(i), 1}, 500+i) }
func second(i int) []byte { return bytes.Repeat([]byte{byte(i), 2}, 700+i) }

// life is what happens to one file.
func (w *world) life(i int) {
	path := fmt.Sprintf("%s/paths/new/f%04d", w.url, i)
	var node struct{ Name string }
	step := func(what, method, url string, body []byte, want ...int) []byte {
		status, got, err := w.try(method, url, fmt.Sprintf("%s-%d", what, i), body)
		if err != nil {
			w.Errorf("%s of file %d: %v", what, i, err)
		}
		for _, s := range want {
			if s == status {
				return got
			}
		}
		w.Errorf("%s of file %d: %d %s", what, i, status, got)
		return got
	}
	if json.Unmarshal(step("upload", http.MethodPut, path, first(i), http.StatusCreated), &node) != nil || node.Name == "" {
		return
	}
	step("overwrite", http.MethodPut, path, second(i), http.StatusOK)
	if got := step("download", http.MethodGet, path, nil, http.StatusOK); !bytes.Equal(got, second(i)) {
		w.Errorf("file %d has other bytes", i)
	}
	if i%3 == 2 {
		step("delete", http.MethodDelete, path, nil, http.StatusNoContent, http.StatusOK)
		return
	}
	folder := w.folder("kept")
	body := fmt.Sprintf(`{"folder":%q,"displayName":"f%04d"}`, folder, i)
	w.move(node.Name, body, i)
}

func (w *world) move(name, body string, i int) {
	url := strings.Replace(w.url, "/spaces/default", "/", 1) + name + ":move"
	for {
		req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			w.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", fmt.Sprintf("move-%d", i))
		resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // to programs of the test
		if err != nil {
			w.Error(err)
			return
		}
		got, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			w.Error(err)
			return
		}
		switch resp.StatusCode {
		case http.StatusOK:
			return
		case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		default:
			w.Errorf("move of file %d: %d %s", i, resp.StatusCode, got)
			return
		}
	}
}

var folderOnce sync.Mutex

// folder returns the name of a folder of the root, which it makes.
func (w *world) folder(name string) string {
	folderOnce.Lock()
	defer folderOnce.Unlock()
	var node struct{ Name string }
	status, got, err := w.try(http.MethodGet, w.url+"/files:lookup?path=/"+name, "", nil)
	if err == nil && status == http.StatusNotFound {
		_, _, err = w.try(http.MethodPut, w.url+"/paths/"+name+"/x", "x-"+name, nil)
		if err == nil {
			_, _, err = w.try(http.MethodDelete, w.url+"/paths/"+name+"/x", "d-"+name, nil)
		}
		if err == nil {
			_, got, err = w.try(http.MethodGet, w.url+"/files:lookup?path=/"+name, "", nil)
		}
	}
	if err = errors.Join(err, json.Unmarshal(got, &node)); err != nil {
		w.Errorf("folder: %v", err)
	}
	return node.Name
}

// sound inspects the service until the sweeper has left just so many blobs,
// and no record or blob is wrong.
func (w *world) sound(blobs int) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 3*time.Minute)
	defer cancel()
	var last string
	for {
		command := exec.CommandContext(ctx, filepath.Join(w.programs, "holdfast"), "fsck", "--inspect="+w.Inspect, "--deep")
		command.Env = fleet.Environ()
		out, err := command.CombinedOutput()
		last = string(out)
		if err == nil && strings.Contains(last, fmt.Sprintf(" %d blobs,", blobs)) {
			w.Logf("fsck: %s", last)
			return
		}
		select {
		case <-ctx.Done():
			w.Fatalf("fsck: %v: %s, want %d blobs", err, last, blobs)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}
