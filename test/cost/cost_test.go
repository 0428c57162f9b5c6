package cost_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/cost"
	"github.com/holdfast-files/holdfast/test/fleet"
)

var update = flag.Bool("update", false, "write the table into the README")

// smallBytes is the size of the files that are counted.
const smallBytes = 4 << 10

// times is how often each operation is done; each time must come to the same.
const times = 5

// budget bounds the calls of an operation; DESIGN §8 and the table before it.
type budget struct{ reads, writes, puts, gets int64 }

// world is a service on the stand-ins.
type world struct {
	*testing.T
	standin *fleet.StandIn
	url     string
}

func start(t *testing.T) *world {
	t.Helper()
	programs, err := fleet.Build(t.Context(), t.TempDir())
	must(t, err)
	standin, err := fleet.StartStandIn(t.Context(), programs, t.TempDir())
	must(t, err)
	t.Cleanup(func() { must(t, standin.Kill()) })
	f, err := fleet.Start(t.Context(), fleet.Config{
		Mode: fleet.Three, Programs: programs, AWS: &standin.AWS,
		// The sweeper's own calls are not those of an operation.
		Flags: map[string]string{"sweep-interval": "24h"},
	})
	must(t, err)
	t.Cleanup(func() { must(t, f.Stop()) })
	return &world{T: t, standin: standin, url: f.URL + "/v1/spaces/default"}
}

// calls returns the counts once they have come to rest.
func (w *world) calls() cost.Calls {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	var last cost.Calls
	for same := 0; ; {
		body := w.do(http.MethodGet, w.standin.Control+"/calls", nil, http.StatusOK)
		var now cost.Calls
		must(w.T, json.Unmarshal(body, &now))
		if same++; !maps.Equal(now, last) {
			same = 0
		}
		if last = now; same == 3 {
			return now
		}
		select {
		case <-ctx.Done():
			w.Fatal("the calls do not come to rest")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (w *world) do(method, url string, body []byte, want int) []byte {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, url, bytes.NewReader(body))
	must(w.T, err)
	if bytes.HasPrefix(body, []byte("{")) {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // to programs of the test
	must(w.T, err)
	got, err := io.ReadAll(resp.Body)
	must(w.T, errors.Join(err, resp.Body.Close()))
	if resp.StatusCode != want {
		w.Fatalf("%s %s: %s %s", method, url, resp.Status, got)
	}
	return got
}

// put stores a file and returns the id of its node.
func (w *world) put(path string, want int) string {
	w.Helper()
	var node struct{ Name string }
	must(w.T, json.Unmarshal(w.do(http.MethodPut, w.url+"/paths/"+path, make([]byte, smallBytes), want), &node))
	return node.Name[strings.LastIndex(node.Name, "/")+1:]
}

// TestCallsOfEachOperation counts, holds the counts against the budgets, and
// compares the README's table of costs with them.
func TestCallsOfEachOperation(t *testing.T) {
	w := start(t)
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = w.put(fmt.Sprintf("docs/reports/file-%03d.bin", i), http.StatusCreated)
	}
	var folder struct{ Name string }
	must(t, json.Unmarshal(w.do(http.MethodGet, w.url+"/files:lookup?path=/docs/reports", nil, http.StatusOK), &folder))
	operations := []struct {
		name   string
		budget budget
		do     func(i int)
	}{
		{"upload 4 KiB, a new file", budget{reads: 3, writes: 2, puts: 1}, func(i int) {
			w.put(fmt.Sprintf("docs/new-%d.bin", i), http.StatusCreated)
		}},
		{"upload 4 KiB, a new revision", budget{reads: 4, writes: 2, puts: 1}, func(i int) {
			w.put(fmt.Sprintf("docs/reports/file-%03d.bin", i), http.StatusOK)
		}},
		{"download 4 KiB by path", budget{reads: 2, gets: 1}, func(i int) {
			w.do(http.MethodGet, fmt.Sprintf("%s/paths/docs/reports/file-%03d.bin", w.url, i), nil, http.StatusOK)
		}},
		{"download 4 KiB by id", budget{reads: 2, gets: 1}, func(i int) {
			w.do(http.MethodGet, w.url+"/files/"+ids[i]+"/content", nil, http.StatusOK)
		}},
		{"get a node by path", budget{reads: 2}, func(i int) {
			w.do(http.MethodGet, fmt.Sprintf("%s/files:lookup?path=/docs/reports/file-%03d.bin", w.url, i), nil, http.StatusOK)
		}},
		{"get a node by id", budget{reads: 2}, func(i int) {
			w.do(http.MethodGet, w.url+"/files/"+ids[i], nil, http.StatusOK)
		}},
		{"list a page of 100", budget{reads: 2}, func(int) {
			w.do(http.MethodGet, w.url+"/files?folder="+folder.Name+"&pageSize=100", nil, http.StatusOK)
		}},
		{"rename a file", budget{reads: 3, writes: 1}, func(i int) {
			w.do(http.MethodPatch, w.url+"/files/"+ids[20+i], fmt.Appendf(nil, `{"displayName":"renamed-%d.bin"}`, i), http.StatusOK)
		}},
		{"move a file to the trash", budget{reads: 2, writes: 1}, func(i int) {
			w.do(http.MethodDelete, w.url+"/files/"+ids[40+i], nil, http.StatusOK)
		}},
		{"take it back", budget{reads: 4, writes: 1}, func(i int) {
			w.do(http.MethodPost, w.url+"/files/"+ids[40+i]+":undelete", []byte("{}"), http.StatusOK)
		}},
	}
	var rows []cost.Row
	for _, o := range operations {
		o.do(0) // the first one may find something cold
		before := w.calls()
		for i := range times {
			o.do(i + 1)
		}
		all := w.calls().Minus(before)
		one := cost.Calls{}
		for name, n := range all {
			// Units round up, and names differ in length.
			one[name] = (n + times - 1) / times
			if !strings.HasSuffix(name, "Units") && n%times != 0 {
				t.Errorf("%s: %d %s in %d times", o.name, n, name, times)
			}
		}
		t.Logf("%s: %v", o.name, one)
		if b := o.budget; one.Reads() > b.reads || one.Writes() > b.writes || one.Puts() > b.puts || one.Gets() > b.gets {
			t.Errorf("%s makes %v, its budget is %+v", o.name, one, b)
		}
		rows = append(rows, cost.Row{Operation: o.name, Calls: one})
	}
	compare(t, cost.Table(rows))
}

// compare compares the README's table with this one.
func compare(t *testing.T, table string) {
	t.Helper()
	root, err := fleet.Root()
	must(t, err)
	name := filepath.Join(root, "README.md")
	readme, err := os.ReadFile(name)
	must(t, err)
	const begin, end = "<!-- costs: go test ./cost -update -->\n", "<!-- end of costs -->\n"
	head, rest, ok := strings.Cut(string(readme), begin)
	had, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("the README has no place for the table of costs")
	}
	want := "\nList prices of " + cost.Prices + ".\n\n" + table + "\n"
	if *update {
		must(t, os.WriteFile(name, []byte(head+begin+want+end+tail), 0o644))
		return
	}
	if had != want {
		t.Errorf("the README says\n%s\nbut it comes to\n%s", had, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
