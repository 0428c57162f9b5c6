//go:build clients

package clients_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/faultproxy"
	"github.com/holdfast-files/holdfast/test/fleet"
)

// The file is sent in pieces of 60 to 700 kB before a connection breaks, so
// each has some dozen breaks.
const (
	fileBytes = 12 << 20
	maxCuts   = 60
	patience  = 4 * time.Minute
)

// service is a fleet behind a proxy that breaks connections.
type service struct {
	fleet *fleet.Fleet
	proxy *faultproxy.Proxy
	t     *testing.T
}

func start(t *testing.T, mode fleet.Mode, flags map[string]string) *service {
	t.Helper()
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Start(t.Context(), fleet.Config{Mode: mode, Programs: programs, DataDir: t.TempDir(), Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &service{fleet: f, t: t}
}

// broken puts a proxy in front of the service for one test.
func (s *service) broken(t *testing.T, seed uint64) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.Start(faultproxy.Config{
		Server: strings.TrimPrefix(s.fleet.URL, "http://"), Cuts: maxCuts, MinBytes: 60_000, MaxBytes: 700_000, Seed: seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() }) // connections that it broke are closed already
	return p
}

// node runs a script and decodes what it prints.
func node(t *testing.T, result any, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, complaints bytes.Buffer
	command := exec.CommandContext(ctx, "node", args...)
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); err != nil {
		t.Fatalf("node %v: %v\n%s%s", args, err, &out, &complaints)
	}
	if err := json.Unmarshal(out.Bytes(), result); err != nil {
		t.Fatalf("node %v printed %q, %s", args, &out, &complaints)
	}
}

// digest returns the SHA-256 of the file at a path, read from the service.
func (s *service) digest(t *testing.T, path string) string {
	t.Helper()
	resp := s.get(t, "/v1/spaces/default/paths"+path)
	defer resp.Body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (s *service) get(t *testing.T, path string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.fleet.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// gone fails the test unless an upload is.
func (s *service) gone(t *testing.T, uploadURL string) {
	t.Helper()
	_, path, ok := strings.Cut(uploadURL, "/v1/")
	if !ok {
		t.Fatalf("%q is no upload", uploadURL)
	}
	resp := s.get(t, "/v1/"+path)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusGone {
		t.Errorf("a cancelled upload: %s", resp.Status)
	}
}

func randomFile(t *testing.T, seed uint64) (path, sum string) {
	t.Helper()
	contents := make([]byte, fileBytes)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(contents) // never fails
	path = filepath.Join(t.TempDir(), "contents")
	if err := os.WriteFile(path, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(contents)
	return path, hex.EncodeToString(digest[:])
}

// TestTusJSClient uploads with tus-js-client in Node, in every way that it has.
func TestTusJSClient(t *testing.T) {
	for _, mode := range []fleet.Mode{fleet.One, fleet.Three} {
		t.Run(string(mode), func(t *testing.T) {
			s := start(t, mode, nil)
			for i, scenario := range []string{"whole", "chunks", "creation", "deferred", "override", "ietf", "parallel", "pause", "anew", "cancel"} {
				t.Run(scenario, func(t *testing.T) {
					file, want := randomFile(t, uint64(i))
					proxy := s.broken(t, uint64(i))
					var result struct {
						URL     string
						Retries int
					}
					node(t, &result, "tus.mjs", scenario, "http://"+proxy.Address+"/v1/spaces/default/uploads", file)
					t.Logf("%d connections broken, %d retries", proxy.Cuts(), result.Retries)
					if proxy.Cuts() < 3 {
						t.Errorf("only %d connections were broken", proxy.Cuts())
					}
					if scenario == "cancel" {
						s.gone(t, result.URL)
						return
					}
					if got := s.digest(t, "/tus/"+scenario+".bin"); got != want {
						t.Errorf("stored %s, sent %s", got, want)
					}
				})
			}
		})
	}
}

// TestUppy uploads with Uppy in a browser, from a page of another origin.
func TestUppy(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: apt-get install chromium")
	}
	site := servePage(t)
	s := start(t, fleet.One, map[string]string{"cors-origins": site})
	for i, scenario := range []string{"whole", "chunks", "parallel", "pause", "cancel"} {
		t.Run(scenario, func(t *testing.T) {
			proxy := s.broken(t, uint64(100+i))
			task, err := json.Marshal(map[string]any{
				"name": scenario + ".bin", "size": fileBytes, "scenario": scenario,
				"endpoint": "http://" + proxy.Address + "/v1/spaces/default/uploads",
			})
			if err != nil {
				t.Fatal(err)
			}
			var result struct {
				SHA256, URL string
				Paused      int
				Failed      []string
			}
			node(t, &result, "uppy.mjs", chromium, site+"/", string(task))
			t.Logf("%d connections broken, paused %d times", proxy.Cuts(), result.Paused)
			if proxy.Cuts() < 3 && scenario != "cancel" || proxy.Cuts() == 0 { // that one ends early
				t.Errorf("only %d connections were broken", proxy.Cuts())
			}
			if scenario == "cancel" {
				resp := s.get(t, "/v1/spaces/default/paths/uppy/cancel.bin")
				defer resp.Body.Close()
				if resp.StatusCode != http.StatusNotFound || result.URL != "" {
					t.Errorf("a cancelled upload became %q: %s", result.URL, resp.Status)
				}
				return
			}
			if len(result.Failed) > 0 {
				t.Fatalf("failed: %v", result.Failed)
			}
			if scenario == "pause" && result.Paused < 2 {
				t.Errorf("paused %d times", result.Paused)
			}
			if got := s.digest(t, "/uppy/"+scenario+".bin"); got != result.SHA256 {
				t.Errorf("stored %s, sent %s", got, result.SHA256)
			}
		})
	}
	// Without permission the same page gets nowhere.
	t.Run("origin that is not allowed", func(t *testing.T) {
		closed := start(t, fleet.One, nil)
		task := fmt.Sprintf(`{"name":"x","size":10,"scenario":"denied","endpoint":%q}`, closed.fleet.URL+"/v1/spaces/default/uploads")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_ = exec.CommandContext(ctx, "node", "uppy.mjs", chromium, site+"/", task).Run() // it tries until it is ended
		resp := closed.get(t, "/v1/spaces/default/paths/uppy/x")
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("it was uploaded: %s", resp.Status)
		}
	})
}

// servePage bundles the page and serves it on a port of its own.
func servePage(t *testing.T) (origin string) {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "page.js")
	command := exec.CommandContext(t.Context(), "node_modules/.bin/esbuild", "uppy-page.mjs", "--bundle", "--format=esm", "--outfile="+bundle)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("esbuild: %v\n%s", err, out)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><script type="module" src="/page.js"></script>`)
	})
	mux.HandleFunc("/page.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, bundle) })
	return serve(t, mux)
}
