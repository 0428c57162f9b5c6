package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api/apitest"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/exit"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// shell runs commands against a server and keeps what they print.
type shell struct {
	*apitest.Server
	t   *testing.T
	dir string // of the package
	in  string
	out bytes.Buffer
}

func newShell(t *testing.T) *shell {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return &shell{Server: apitest.New(t), t: t, dir: dir}
}

// run runs a command and returns its exit code.
func (s *shell) run(args ...string) int {
	s.t.Helper()
	var out, err bytes.Buffer
	con := &console.Console{
		In: strings.NewReader(s.in), Out: &out, Err: &err,
		Width: func() int { return 0 }, Zone: time.UTC,
	}
	result := run(args, []string{"HOLDFAST_SERVER=" + s.URL, "HOLDFAST_RETRIES=0"}, con)
	if message := exit.Message(result); message != "" {
		fmt.Fprintln(&err, "holdfast: "+message)
	}
	code := exit.Of(result)
	fmt.Fprintf(&s.out, "$ holdfast %s\n", strings.Join(args, " "))
	printed, complained := slices.Collect(strings.Lines(out.String())), slices.Collect(strings.Lines(err.String()))
	if len(args) > 0 && args[0] == "put" { // what is found first goes first, and looking is concurrent
		slices.Sort(printed)
		slices.Sort(complained)
	}
	s.out.WriteString(strings.Join(printed, ""))
	for _, line := range complained {
		s.out.WriteString("! " + line)
	}
	if code != 0 {
		fmt.Fprintf(&s.out, "[%d]\n", code)
	}
	return code
}

// elapsed is what a summary says of the time it took.
var elapsed = regexp.MustCompile(` in [0-9.]+m?s;`)

// golden compares what was printed with a file.
func (s *shell) golden(name string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "testdata", name+".golden")
	got := strings.ReplaceAll(s.out.String(), s.URL, "http://server")
	got = elapsed.ReplaceAllString(got, " in TIME;")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(wantLines), len(gotLines)) {
		var w, g string
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if w != g {
			s.t.Errorf("%s:%d: got\n%s\nwant\n%s", path, i+1, g, w)
		}
	}
}

// TestTour uses every command, for people and for programs.
func TestTour(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			s := newShell(t)
			t.Chdir(t.TempDir())
			for path, contents := range map[string]string{
				"tree/a.txt": "hello\n", "tree/b #1%.bin": strings.Repeat("x", 3000), "tree/empty": "", "tree/größe/日本.txt": "y",
			} {
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("a.txt", "tree/link"); err != nil {
				t.Fatal(err)
			}
			do := func(args ...string) {
				t.Helper()
				if format == "json" && args[0] != "cat" {
					args = append(args, "--json")
				}
				s.run(args...)
			}
			do("mkdir", "/docs")
			do("mkdir", "-p", "/docs/deep/er", "/docs")
			for _, file := range []string{"a.txt", "b #1%.bin", "empty"} { // one by one, for the ids
				do("put", "tree/"+file, "/docs/", "-v")
			}
			do("put", "tree/a.txt", "tree/empty", "tree/missing", "/docs", "--if-absent", "-j1")
			do("put", "tree/a.txt", "/docs/a.txt", "--skip-existing", "-v")
			do("put", "tree/a.txt", "/docs", "--checksum", "-v")
			do("put", "-r", "-j1", "tree/größe", "/docs", "-v") // one by one, for the ids
			do("put", "-r", "-j1", "tree/link", "/docs", "-v")
			s.in = "from a pipe\n"
			do("put", "-", "/docs/piped.txt")
			do("cat", "/docs/piped.txt", "docs/a.txt")
			do("cat", "/docs/a.txt", "--offset=1", "--length=3")
			do("ls")
			do("ls", "/docs", "-l")
			do("ls", "/docs", "-l", "--bytes")
			do("ls", "-R", "/docs/größe", "/docs/a.txt")
			do("du", "-j1")
			do("du", "-s", "--bytes", "/docs", "/docs/a.txt")
			do("stat", "/docs", "/docs/a.txt")
			do("put", "tree/empty", "/docs/a.txt", "-v")
			do("stat", "/docs/a.txt", "--revisions")
			do("mv", "/docs/a.txt", "/docs/deep")
			do("mv", "/docs/deep/a.txt", "/docs/deep/z.txt")
			do("mv", "/docs/deep", "/docs/empty", "/docs/größe")
			do("rm", "/docs/größe")
			do("rm", "-r", "/docs/größe", "/docs/b #1%.bin")
			do("ls", "--trash")
			do("ls", "--trash", "-l")
			do("restore", "/docs/größe")
			do("restore", "b #1%.bin", "--to", "/docs/größe/new name")
			do("ls", "-R", "/docs")
			do("rm", "--purge", "/docs/piped.txt")
			do("rm", "/docs/größe/new name")
			do("rm", "--trash", "/docs/größe/new name")
			do("rm", "-f", "/nothing", "/here")
			do("ls", "--trash")
			do("get", "/docs/größe/日本.txt", "back.txt", "-v")
			do("get", "/docs/größe/日本.txt", "back.txt")
			do("get", "/docs/größe/日本.txt", "back.txt", "-f", "-v")
			s.golden("tour." + format)
		})
	}
}

// TestExitCodes has each command fail in each way that it can.
func TestExitCodes(t *testing.T) {
	s := newShell(t)
	s.Token = "secret"
	s.Add("/docs/a", []byte("x"))
	s.Add("/docs/b", []byte("y"))
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("local", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		code int
		args string
	}{
		{exit.OK, "ls /"},
		{exit.Usage, ""},
		{exit.Usage, "frobnicate"},
		{exit.Usage, "ls --frobnicate"},
		{exit.Usage, "ls --space X"},
		{exit.Usage, "ls --server nowhere"},
		{exit.Usage, "ls --retries=-1"},
		{exit.Usage, "ls --trash /docs"},
		{exit.Usage, "ls /docs/../x"},
		{exit.Usage, "mkdir"},
		{exit.Usage, "mkdir a//b"},
		{exit.Usage, "mv /a"},
		{exit.Usage, "mv / /docs"},
		{exit.Usage, "rm /"},
		{exit.Usage, "rm /docs"},
		{exit.Usage, "rm --trash --purge x"},
		{exit.Usage, "put --if-absent --skip-existing local /"},
		{exit.Usage, "put -j0 local /"},
		{exit.Usage, "put"},
		{exit.Usage, "get"},
		{exit.Usage, "put -"},
		{exit.Usage, "put - local /"},
		{exit.Usage, "put - --checksum /x"},
		{exit.Usage, "put . /x"},
		{exit.Usage, "get /docs"},
		{exit.Usage, "get --revision r /docs/a /docs/b ."},
		{exit.Usage, "cat --offset=-1 /docs/a"},
		{exit.Usage, "cat --offset=100 /docs/a"},
		{exit.NotFound, "ls /nothing"},
		{exit.NotFound, "ls --space other"},
		{exit.NotFound, "stat /nothing"},
		{exit.NotFound, "du /nothing"},
		{exit.NotFound, "cat /nothing"},
		{exit.NotFound, "get /nothing"},
		{exit.NotFound, "put nothing /"},
		{exit.NotFound, "rm /nothing"},
		{exit.NotFound, "rm --trash a"},
		{exit.NotFound, "mv /nothing /docs"},
		{exit.NotFound, "mv /docs/a /nothing/"},
		{exit.NotFound, "mv /docs/a /nothing/b"},
		{exit.NotFound, "restore nothing"},
		{exit.NotFound, "restore 01930000-0000-7000-8000-000000000999"},
		{exit.NotFound, "mkdir /nothing/x"},
		{exit.Conflict, "mkdir /docs"},
		{exit.Conflict, "mkdir -p /docs/a/x"},
		{exit.Conflict, "mv /docs/a /docs/b"},
		{exit.Conflict, "mv /docs /docs"},
		{exit.Conflict, "put --if-absent local /docs/a"},
		{exit.Conflict, "put local /docs/a/"},
		{exit.Conflict, "put - /docs"},
		{exit.Conflict, "get /docs/a local"},
		{exit.Denied, "ls --key wrong"},
		{exit.Denied, "put local /x --key wrong"},
		{exit.Unavailable, "ls --server http://127.0.0.1:1"},
		{exit.Unavailable, "put local / --server http://127.0.0.1:1"},
		{exit.Failed, "ls /docs /nothing"},
		{exit.Failed, "stat /nothing /docs"},
		{exit.Failed, "get /docs/b /nothing ."},
	} {
		args := strings.Fields(test.args)
		if !strings.Contains(test.args, "--key") && len(args) > 0 {
			args = append(args, "--key=secret")
		}
		if code := s.run(args...); code != test.code {
			t.Errorf("%s: got %d, want %d", test.args, code, test.code)
		}
	}
	if t.Failed() {
		t.Log(s.out.String())
	}
}

// TestExitCodesOfFaults has the server fail.
func TestExitCodesOfFaults(t *testing.T) {
	flip := apitest.DamageAnswer(func(p []byte) []byte { p[0] ^= 1; return p })
	for _, test := range []struct {
		code        int
		method      string
		fault       apitest.Fault
		times       int
		args        []string
		wantMessage string
	}{
		{exit.Unavailable, "GET", apitest.Refuse("UNAVAILABLE", ""), 1, []string{"ls"}, "refused by the test"},
		{exit.Unavailable, "GET", apitest.Refuse("RATE_LIMITED", "5"), 1, []string{"ls"}, "refused by the test"},
		{exit.Unavailable, "GET", apitest.Answer(504), 1, []string{"ls"}, "504"},
		{exit.Failed, "GET", apitest.Refuse("INTERNAL", ""), 1, []string{"ls"}, "refused by the test"},
		{exit.Failed, "GET", apitest.Answer(302), 1, []string{"ls"}, "https://elsewhere.example/"},
		{exit.Denied, "GET", apitest.Refuse("PERMISSION_DENIED", ""), 1, []string{"ls"}, "refused by the test"},
		{exit.Damaged, "GET", apitest.Refuse("DATA_LOSS", ""), 1, []string{"cat", "/a"}, "refused by the test"},
		{exit.Damaged, "GET", flip, 1, []string{"cat", "/a"}, "sha-256"},
		{exit.Full, "PUT", apitest.Refuse("QUOTA_EXCEEDED", ""), 1, []string{"put", "main_test.go", "/b"}, "stopped"},
		{exit.Full, "PUT", apitest.Refuse("TOO_LARGE", ""), 1, []string{"put", "main_test.go", "/b"}, "main_test.go"},
		{exit.Damaged, "PUT", apitest.DamageBody(), 2, []string{"put", "main_test.go", "/b"}, "main_test.go"},
		{exit.Conflict, "POST", apitest.Refuse("REQUEST_ID_REUSED", ""), 1, []string{"mkdir", "/c"}, "/c"},
	} {
		s := newShell(t)
		s.Add("/a", []byte("x"))
		for range test.times {
			s.Inject(test.method, "", test.fault)
		}
		code := s.run(test.args...)
		if code != test.code || !strings.Contains(s.out.String(), test.wantMessage) {
			t.Errorf("want %d, %q; got\n%s", test.code, test.wantMessage, s.out.String())
		}
	}
}

func TestHelp(t *testing.T) {
	s := newShell(t)
	for _, name := range []string{"put", "get", "cat", "ls", "mkdir", "mv", "rm", "restore", "stat", "du"} {
		if code := s.run(name, "--help"); code != 0 {
			t.Errorf("%s --help: got %d", name, code)
		}
	}
	s.out.Reset()
	if s.run("--help"); !strings.Contains(s.out.String(), "Exit codes") {
		t.Errorf("got\n%s", s.out.String())
	}
}
