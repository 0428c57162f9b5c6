package crowd_test

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
	"strings"
	"sync/atomic"
)

// client puts, gets, lists, moves and deletes files of its own.
type client struct {
	base   string
	http   *http.Client
	random *rand.Rand
	folder string
	files  map[string]string // SHA-256 by name
	names  int
}

func newTransport(clients int) *http.Transport {
	return &http.Transport{MaxIdleConns: clients, MaxIdleConnsPerHost: clients}
}

func newClient(base string, shared *http.Transport, i int) *client {
	return &client{
		base: base + "/v1/spaces/default/", http: &http.Client{Transport: shared},
		random: rand.New(rand.NewPCG(uint64(i), 1)), folder: fmt.Sprintf("crowd/%d", i), files: map[string]string{},
	}
}

// sizes are how large files are: most are small, some are not.
var sizes = []int{0, 100, 4 << 10, 4 << 10, 4 << 10, 30 << 10, 60 << 10, 300 << 10, 2 << 20}

const (
	// maxFiles bounds how many names a client uses.
	maxFiles = 12
	// maxPuts is after how many files it removes its folder for good: each has
	// revisions, and what moved goes on under another name.
	maxPuts = 3 * maxFiles
)

// round puts a file, reads one back, lists, and now and then moves or deletes.
func (c *client) round(ctx context.Context, requests, moved *atomic.Int64) error {
	if c.names > 0 && c.names%maxPuts == 0 {
		if err := c.clear(ctx, requests); err != nil {
			return err
		}
	}
	content := make([]byte, sizes[c.random.IntN(len(sizes))])
	for i := 0; i < len(content); i += 512 {
		content[i] = byte(c.random.Uint32())
	}
	c.names++
	name := fmt.Sprintf("f%d", c.names%maxFiles) // a new one, or a new revision
	sum := sha256.Sum256(content)
	node, err := c.put(ctx, name, content)
	if err != nil {
		return err
	}
	c.files[name] = hex.EncodeToString(sum[:])
	for other, digest := range c.files {
		got, err := c.do(ctx, http.MethodGet, "paths/"+c.folder+"/"+other, nil)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(got); hex.EncodeToString(sum[:]) != digest {
			return fmt.Errorf("%s has other bytes than were put", other)
		}
		moved.Add(int64(len(got)))
		break
	}
	requests.Add(3)
	moved.Add(int64(len(content)))
	if _, err := c.do(ctx, http.MethodGet, "files?pageSize=5&path=/"+c.folder, nil); err != nil {
		return err
	}
	if c.random.IntN(4) > 0 {
		return nil
	}
	requests.Add(1)
	delete(c.files, name)
	if c.random.IntN(2) == 0 {
		_, err = c.do(ctx, http.MethodDelete, "paths/"+c.folder+"/"+name, nil)
		return err
	}
	body, err := json.Marshal(map[string]string{"displayName": fmt.Sprintf("moved %d", c.names)})
	if err == nil {
		_, err = c.do(ctx, http.MethodPost, node+":move", body)
	}
	return err
}

// clear removes the folder with all that is in it, and does not leave it in the
// trash: ten minutes of files and revisions would fill a disk.
func (c *client) clear(ctx context.Context, requests *atomic.Int64) error {
	requests.Add(3)
	clear(c.files)
	got, err := c.do(ctx, http.MethodGet, "files:lookup?path=/"+c.folder, nil)
	if err != nil {
		return err
	}
	folder, err := nodeName(got)
	if err != nil {
		return err
	}
	if _, err := c.do(ctx, http.MethodDelete, folder, nil); err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodPost, folder+":purge", []byte("{}"))
	return err
}

// put returns the last parts of the name of the node.
func (c *client) put(ctx context.Context, name string, content []byte) (string, error) {
	got, err := c.do(ctx, http.MethodPut, "paths/"+c.folder+"/"+name, content)
	if err != nil {
		return "", err
	}
	return nodeName(got)
}

// nodeName returns the last parts of the name in a node's JSON.
func nodeName(text []byte) (string, error) {
	var node struct{ Name string }
	if err := json.Unmarshal(text, &node); err != nil {
		return "", err
	}
	return strings.TrimPrefix(node.Name, "spaces/default/"), nil
}

func (c *client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, got)
	}
	return got, err
}
