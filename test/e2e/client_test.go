package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// web speaks REST as curl does, and works in a folder of its own.
type web struct {
	t    *testing.T
	g    *target
	root string // path of the folder, such as "/e2e-1f"
}

var direct = &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func newWeb(t *testing.T, g *target) *web {
	t.Helper()
	return &web{t: t, g: g, root: "/e2e-" + strconv.FormatUint(rand.Uint64(), 36)}
}

// answer is a response that was read to its end.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
}

// do makes a request. The header fields are name and value in turns.
func (w *web) do(method, path string, body io.Reader, header ...string) *answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.g.url+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if w.g.key != "" && req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+w.g.key)
	}
	resp, err := direct.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return &answer{w.t, method + " " + path, resp.StatusCode, resp.Header, got}
}

// want fails the test unless the answer has the status.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d: %.500s", a.what, a.status, status, a.body)
	}
	return a
}

// field fails the test unless the answer has the header field.
func (a *answer) field(name, want string) *answer {
	a.t.Helper()
	if got := a.header.Get(name); got != want {
		a.t.Errorf("%s: %s is %q, want %q", a.what, name, got, want)
	}
	return a
}

// bytes fails the test unless the answer has the body.
func (a *answer) bytes(want []byte) *answer {
	a.t.Helper()
	if !bytes.Equal(a.body, want) {
		a.t.Errorf("%s: %d bytes that are not the %d expected", a.what, len(a.body), len(want))
	}
	return a
}

// failed fails the test unless the answer is an error of the reason.
func (a *answer) failed(status int, reason string) *answer {
	a.t.Helper()
	a.want(status)
	var body struct {
		Error struct {
			Code    int
			Details []struct{ Reason, Domain string }
		}
	}
	a.json(&body)
	if body.Error.Code != status || len(body.Error.Details) == 0 || body.Error.Details[0].Reason != reason || body.Error.Details[0].Domain != "holdfast" {
		a.t.Errorf("%s: %s, want %s", a.what, a.body, reason)
	}
	return a
}

func (a *answer) json(into any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		a.t.Fatalf("%s: %v: %.500s", a.what, err, a.body)
	}
}

// node is the part of a node that is looked at.
type node struct {
	Name, DisplayName, Folder, Kind, SizeBytes, ContentType, SHA256, Revision, Etag string
}

func (a *answer) node() node {
	a.t.Helper()
	var n node
	a.json(&n)
	return n
}

// at returns the URL path of a file below the folder of the test.
func (w *web) at(path string) string {
	var escaped []string
	for name := range strings.SplitSeq(w.root+path, "/") {
		escaped = append(escaped, url.PathEscape(name))
	}
	return "/v1/spaces/default/paths" + strings.Join(escaped, "/")
}

func (w *web) put(path string, contents []byte, header ...string) *answer {
	w.t.Helper()
	return w.do(http.MethodPut, w.at(path), bytes.NewReader(contents), header...)
}

func (w *web) get(path string, header ...string) *answer {
	w.t.Helper()
	return w.do(http.MethodGet, w.at(path), nil, header...)
}

// post sends JSON.
func (w *web) post(path, text string, header ...string) *answer {
	w.t.Helper()
	return w.do(http.MethodPost, path, strings.NewReader(text), append(header, "Content-Type", "application/json")...)
}

// lookup returns the node at a path.
func (w *web) lookup(path string) node {
	w.t.Helper()
	return w.do(http.MethodGet, "/v1/spaces/default/files:lookup?path="+url.QueryEscape(w.root+path), nil).want(http.StatusOK).node()
}

// names lists a folder, page by page.
func (w *web) names(query string, pageSize int) []string {
	w.t.Helper()
	var names []string
	for token := ""; ; {
		var page struct {
			Files         []node
			NextPageToken string
		}
		path := fmt.Sprintf("/v1/spaces/default/files?%s&pageSize=%d&pageToken=%s", query, pageSize, url.QueryEscape(token))
		w.do(http.MethodGet, path, nil).want(http.StatusOK).json(&page)
		for _, f := range page.Files {
			names = append(names, f.DisplayName)
		}
		if token = page.NextPageToken; token == "" {
			return names
		}
	}
}

// random returns n bytes that nobody has stored before.
func random(n int) []byte {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(b) // never fails
	return b
}

func sum(b []byte) string {
	digest := sha256.Sum256(b)
	return hex.EncodeToString(digest[:])
}
