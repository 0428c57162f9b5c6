// Package uploads_test has one upload go on while what carries it is killed,
// fought over, or slow.
package uploads_test

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
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// patience bounds everything that is waited for.
const patience = 3 * time.Minute

// service is a running service.
type service struct {
	*testing.T
	*fleet.Fleet
	programs string
	ctx      context.Context
}

// swift lets what is gone go at once.
var swift = map[string]string{
	"sweep-interval": "100ms", "sweep-lease": "5s", "blob-retention": "0s", "sweep-grace": "1s", "log-level": "error",
}

func start(t *testing.T, mode fleet.Mode, onAWS bool, flags map[string]string) *service {
	t.Helper()
	programs, err := fleet.Build(t.Context(), t.TempDir())
	must(t, err)
	config := fleet.Config{Mode: mode, Programs: programs, DataDir: t.TempDir(), Flags: flags}
	if onAWS {
		standin, err := fleet.StartStandIn(t.Context(), programs, t.TempDir())
		must(t, err)
		t.Cleanup(func() { must(t, standin.Kill()) })
		config.AWS = &standin.AWS
	}
	f, err := fleet.Start(t.Context(), config)
	must(t, err)
	t.Cleanup(func() { must(t, f.Stop()) })
	return &service{T: t, Fleet: f, programs: programs, ctx: t.Context()}
}

// program returns one of the programs.
func (s *service) program(name string) *fleet.Program {
	for _, p := range s.Programs() {
		if p.Name == name {
			return p
		}
	}
	s.Fatalf("no program is called %s", name)
	return nil
}

// call sends a request with fields, names and values, and returns the answer and
// its body.
func (s *service) call(ctx context.Context, method, url string, body io.Reader, size int64, fields ...string) (*http.Response, []byte, error) {
	if strings.HasPrefix(url, "/") {
		url = s.URL + url
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, nil, err
	}
	if body != nil {
		req.ContentLength = size
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	return resp, answer, errors.Join(err, resp.Body.Close())
}

// client keeps as many connections as a test has clients.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

// open opens an upload by the IETF's protocol and returns its URL.
func (s *service) open(path string, size int64) string {
	s.Helper()
	resp, answer, err := s.call(s.ctx, http.MethodPost, "/v1/spaces/default/uploads?path="+path, nil, 0,
		"Upload-Complete", "?0", "Upload-Length", strconv.FormatInt(size, 10))
	must(s.T, err)
	if resp.StatusCode != http.StatusCreated {
		s.Fatalf("open: %s %s", resp.Status, answer)
	}
	return resp.Header.Get("Location")
}

// head asks how far an upload is, until there is an answer.
func (s *service) head(ctx context.Context, upload string, fields ...string) (offset int64, complete bool, err error) {
	for {
		resp, _, err := s.call(ctx, http.MethodHead, upload, nil, 0, fields...)
		if err == nil && resp.StatusCode < http.StatusMultipleChoices {
			offset, err = strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
			return offset, resp.Header.Get("Upload-Complete") == "?1" || resp.Header.Get("Content-Location") != "", err
		}
		select {
		case <-ctx.Done():
			return 0, false, fmt.Errorf("HEAD %s: %w: %v, %w", upload, ctx.Err(), resp, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// partial are the fields of an append by the IETF's protocol.
func partial(offset int64, complete string) []string {
	return []string{
		"Content-Type", "application/partial-upload",
		"Upload-Offset", strconv.FormatInt(offset, 10), "Upload-Complete", complete,
	}
}

// await returns when done does so, asked over and over.
func (s *service) await(what string, done func() bool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			s.Fatalf("waited for long: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// kept returns how much of an upload is kept, without taking it over.
func (s *service) kept(upload string) int64 {
	var shown struct{ OffsetBytes string }
	_, answer, err := s.call(s.ctx, http.MethodGet, upload, nil, 0)
	if err != nil || json.Unmarshal(answer, &shown) != nil {
		return 0
	}
	offset, _ := strconv.ParseInt(shown.OffsetBytes, 10, 64) // 0 is left out
	return offset
}

// holds checks that the file at a path has the contents, by its bytes and by the
// digest that the service says it has.
func (s *service) holds(path string, contents []byte) {
	s.Helper()
	sum := sha256.Sum256(contents)
	want := hex.EncodeToString(sum[:])
	resp, answer, err := s.call(s.ctx, http.MethodGet, "/v1/spaces/default/paths"+path, nil, 0)
	must(s.T, err)
	if got := sha256.Sum256(answer); resp.StatusCode != http.StatusOK || got != sum {
		s.Errorf("%s: %s, %d bytes of SHA-256 %x; sent were %d of %s", path, resp.Status, len(answer), got, len(contents), want)
	}
	var node struct{ Sha256 string }
	_, answer, err = s.call(s.ctx, http.MethodGet, "/v1/spaces/default/files:lookup?path="+path, nil, 0)
	must(s.T, errors.Join(err, json.Unmarshal(answer, &node)))
	if node.Sha256 != want {
		s.Errorf("%s is said to have SHA-256 %s, sent was %s", path, node.Sha256, want)
	}
}

// sound inspects the service until the sweeper has left no job but those that
// uploads wait for, one each. Nothing may be wrong then, no blob without a record
// among it.
func (s *service) sound(uploads int) {
	s.Helper()
	var last string
	s.await("fsck without a finding", func() bool {
		command := exec.CommandContext(s.ctx, filepath.Join(s.programs, "holdfast"), "fsck", "--inspect="+s.Inspect, "--deep")
		command.Env = fleet.Environ()
		out, err := command.CombinedOutput()
		last = string(bytes.TrimSpace(out))
		return err == nil && strings.Contains(last, fmt.Sprintf(" %d jobs waiting", uploads))
	})
	s.Logf("fsck: %s", last)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}
