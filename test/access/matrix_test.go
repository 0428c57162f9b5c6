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

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

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
		t.Logf("%d calls of %d rows by %d callers", w.calls.Load(), len(rows), len(columns))
	})
}

// Every method that the contracts have is in the tables, also those that no door
// shows: all in the one of the public doors, those of the ledger also in its own.
func TestTablesHaveEveryMethod(t *testing.T) {
	public, private := readTable(t, "matrix.txt"), readTable(t, "ledger.txt")
	has := func(rows []row, method string) bool {
		return slices.ContainsFunc(rows, func(r row) bool { return r.method == method })
	}
	found := 0
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if pkg := string(file.Package()); !strings.HasPrefix(pkg, "holdfast.") || pkg == "holdfast.health.v1" {
			return true
		}
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				found++
				method := string(service.FullName()) + "/" + string(service.Methods().Get(j).Name())
				if !has(public, method) {
					t.Errorf("matrix.txt has no row for %s", method)
				}
				if service.FullName() == "holdfast.ledger.v1.LedgerService" && !has(private, method) {
					t.Errorf("ledger.txt has no row for %s", method)
				}
			}
		}
		return true
	})
	if found < 50 {
		t.Errorf("only %d methods were found", found)
	}
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
		w.calls.Add(1)
		status, text := w.call(who, method, target, body)
		if strconv.Itoa(status) != want {
			w.t.Errorf("%s %s by %s: %d, want %s: %s", method, r.target, who, status, want, text)
		}
	}
}

func (w *world) tryGRPC(conn caller, r row, who, want string) {
	w.t.Helper()
	request := w.expand(r.target, want == "OK")
	w.calls.Add(1)
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
	t.Logf("%d calls", w.calls.Load())
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
