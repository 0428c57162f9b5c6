package access_test

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// row is a call of a golden table, and what it comes to for each caller.
type row struct {
	method, target, body string
	want                 []string
}

func (r row) String() string { return r.method + " " + r.target }

func (r row) isREST() bool { return strings.HasPrefix(r.target, "/") }

func readTable(t *testing.T, name string) []row {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rows []row
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		call, want := fields[:len(fields)-len(columns)], fields[len(fields)-len(columns):]
		r := row{method: call[0], target: call[1], want: want}
		if len(call) > 2 {
			r.body = call[2]
		}
		rows = append(rows, r)
	}
	return rows
}

func inBothModes(t *testing.T, test func(t *testing.T, mode fleet.Mode)) {
	t.Helper()
	for _, mode := range []fleet.Mode{fleet.One, fleet.Three} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			test(t, mode)
		})
	}
}

func TestMatrix(t *testing.T) {
	rows := readTable(t, "matrix.txt")
	inBothModes(t, func(t *testing.T, mode fleet.Mode) {
		w := newWorld(t, mode)
		metadata, storage := w.dial(w.fleet.Metadata, ""), w.dial(w.fleet.Storage, "")
		for _, r := range rows {
			for i, who := range columns {
				switch {
				case r.isREST():
					w.tryREST(r, who, r.want[i])
				case strings.HasPrefix(r.method, "holdfast.storage."), strings.Contains(r.method, "InspectionService"):
					w.tryGRPC(storage, r, who, r.want[i])
				default:
					w.tryGRPC(metadata, r, who, r.want[i])
				}
			}
		}
		w.untouched()
		w.covered(rows, metadata, storage)
	})
}

func (w *world) tryREST(r row, who, want string) {
	w.t.Helper()
	succeeds := want[0] == '2'
	methods := []string{r.method}
	if r.method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	for _, method := range methods {
		target, body := w.expand(r.target, succeeds), w.expand(r.body, succeeds)
		status, text := w.call(who, method, target, body)
		if strconv.Itoa(status) != want {
			w.t.Errorf("%s %s by %s: %d, want %s: %s", method, r.target, who, status, want, text)
		}
	}
}

func (w *world) tryGRPC(conn caller, r row, who, want string) {
	w.t.Helper()
	request := w.expand(r.target, want == "OK")
	if got, err := conn.call(w.t, w.bearers[who], r.method, request); got != want {
		w.t.Errorf("%s by %s: %s, want %s: %v", r.method, who, got, want, err)
	}
}

// covered checks that the table has every route and every method that the
// service answers.
func (w *world) covered(rows []row, doors ...caller) {
	w.t.Helper()
	routes, err := os.ReadFile(filepath.Join("..", "..", "gateway", "rest", "testdata", "routes.txt"))
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(routes)) {
		pattern, allow, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			continue
		}
		for method := range strings.SplitSeq(allow, ", ") {
			if method != http.MethodHead && !slices.ContainsFunc(rows, func(r row) bool { return r.serves(method, pattern) }) {
				w.t.Errorf("the table has no row for %s %s", method, pattern)
			}
		}
	}
	for _, door := range doors {
		for _, method := range door.methods(w.t) {
			if !slices.ContainsFunc(rows, func(r row) bool { return r.method == method }) {
				w.t.Errorf("the table has no row for %s", method)
			}
			if strings.HasPrefix(method, "holdfast.ledger.") {
				w.t.Errorf("reflection shows %s", method)
			}
		}
	}
}

// serves reports whether a row is about a route.
func (r row) serves(method, pattern string) bool {
	if r.method != method && (r.method != "FORM" || method != http.MethodPost) {
		return false
	}
	path, _, _ := strings.Cut(r.target, "?")
	for brace, spelled := range map[string]string{
		"{file}": "spaces/*/files/*", "{trashed}": "spaces/*/files/*", "{old}": "spaces/*/files/*/revisions/*",
		"{member}": "spaces/*/members/*", "{key}": "spaces/*/keys/*", "{upload}": "spaces/*/uploads/*", "{share}": "spaces/*/shares/*", "no-such-link": "*", "{doomed}": "spaces/*",
	} {
		path = strings.Replace(path, brace, spelled, 1)
	}
	path = strings.Replace(path, "/v1/spaces/team", "/v1/spaces/*", 1)
	if prefix, ok := strings.CutSuffix(pattern, "**"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return path == pattern
}

func TestLedgerDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fleet.Three)
	bare, proven := w.dial(w.fleet.Ledger, ""), w.dial(w.fleet.Ledger, ledgerToken)
	forged := w.dial(w.fleet.Ledger, ledgerToken+"x")
	for _, r := range readTable(t, "ledger.txt") {
		r := row{method: r.method, target: r.target, want: r.want}
		for i, who := range columns {
			if who == "storage's credential" {
				who = "anonymous"
			}
			w.tryGRPC(bare, r, who, "UA")
			w.tryGRPC(forged, r, who, "UA")
			w.tryGRPC(proven, r, who, r.want[i])
		}
	}
	w.untouched()
	if got := bare.reflects(t); got {
		t.Error("the ledger's door has reflection")
	}
	// What callers may call is not there.
	for _, method := range []string{"holdfast.metadata.v1.FileService/GetFile", "holdfast.metadata.v1.SpaceService/ListSpaces"} {
		if got, err := proven.call(t, w.bearers["administrator"], method, "{}"); got != "UN" {
			t.Errorf("%s at the ledger's door: %s, %v", method, got, err)
		}
	}
}
