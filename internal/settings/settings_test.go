package settings_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/settings"
)

// config is like that of a server.
type config struct {
	Listen  string   `help:"Address to listen on." default:"127.0.0.1:8080"`
	DataDir string   `help:"Directory of the data." default:"./data"`
	Engine  string   `help:"Engine of the records: embedded or aws." enum:"embedded,aws" default:"embedded"`
	Peers   []string `help:"Networks of peers."`
	Open    bool     `help:"Whether it is open."`
	Once    bool     `help:"Only on the command line." env:"-"`
	settings.Process
}

func (c *config) Validate() error {
	var check settings.Check
	check.HostPort("listen", c.Listen)
	c.Check(&check)
	return check.Err()
}

func parse(cfg any, args, environ []string) (output string, err error) {
	var out bytes.Buffer
	p := settings.Program{
		Name: "holdfast-test", Description: "Keeps files.", Version: "1.2.3",
		Others: []string{"HOLDFAST_TOKEN", "HOLDFAST_GATEWAY_"}, Output: &out,
	}
	_, err = p.Parse(args, environ, cfg)
	return out.String(), err
}

func TestDefaults(t *testing.T) {
	var c config
	if _, err := parse(&c, nil, nil); err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8080" || c.Engine != "embedded" || c.LogLevel != slog.LevelInfo ||
		c.DrainTimeout != 30*time.Second || c.DrainDelay != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestArgumentsWinOverTheEnvironment(t *testing.T) {
	var c config
	_, err := parse(&c, []string{"--listen=127.0.0.1:1", "--drain-delay=3s"}, []string{
		"HOLDFAST_LISTEN=127.0.0.1:2", "HOLDFAST_DATA_DIR=/x=y", "HOLDFAST_LOG_LEVEL=debug", "HOLDFAST_PEERS=10.0.0.0/8,::1/128",
		"HOLDFAST_OPEN=true", "HOLDFAST_ENGINE=", "HOLDFAST_TOKEN=t", "HOLDFAST_GATEWAY_X=1", "PATH=/bin", "nonsense",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		Listen: "127.0.0.1:1", DataDir: "/x=y", Engine: "embedded", Peers: []string{"10.0.0.0/8", "::1/128"}, Open: true,
		Process: settings.Process{LogLevel: slog.LevelDebug, DrainDelay: 3 * time.Second, DrainTimeout: 30 * time.Second},
	}
	if got, want := fmt.Sprintf("%+v", c), fmt.Sprintf("%+v", want); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The environment is the one that Parse is given, not that of the process.
func TestTheProcessEnvironmentIsNotRead(t *testing.T) {
	t.Setenv("HOLDFAST_LISTEN", "127.0.0.1:2")
	var c config
	if _, err := parse(&c, nil, nil); err != nil || c.Listen != "127.0.0.1:8080" {
		t.Errorf("got %q, %v", c.Listen, err)
	}
}

func TestErrorsNameTheFlagAndTheVariable(t *testing.T) {
	for name, tc := range map[string]struct {
		args, environ []string
		want          []string
	}{
		"argument that does not parse": {[]string{"--drain-timeout=soon"}, nil, []string{"--drain-timeout (HOLDFAST_DRAIN_TIMEOUT)", "soon"}},
		"variable that does not parse": {nil, []string{"HOLDFAST_DRAIN_TIMEOUT=soon"}, []string{"--drain-timeout (HOLDFAST_DRAIN_TIMEOUT)", "soon"}},
		"level":                        {nil, []string{"HOLDFAST_LOG_LEVEL=loud"}, []string{"--log-level (HOLDFAST_LOG_LEVEL)", "loud"}},
		"bool":                         {nil, []string{"HOLDFAST_OPEN=perhaps"}, []string{"--open (HOLDFAST_OPEN)", "perhaps"}},
		"enum":                         {nil, []string{"HOLDFAST_ENGINE=mysql"}, []string{"--engine (HOLDFAST_ENGINE)", "mysql", "embedded"}},
		"checks, all of them": {[]string{"--listen=8080", "--drain-timeout=0s", "--drain-delay=-1s"}, nil, []string{
			"--listen (HOLDFAST_LISTEN)", "8080", "--drain-timeout (HOLDFAST_DRAIN_TIMEOUT)", "--drain-delay (HOLDFAST_DRAIN_DELAY)"}},
		"everything at once":     {[]string{"--listen=8080"}, []string{"HOLDFAST_A=y"}, []string{"--listen (HOLDFAST_LISTEN)", "HOLDFAST_A"}},
		"unknown flag":           {[]string{"--lissten=x"}, nil, []string{"--lissten", "--listen (HOLDFAST_LISTEN)"}},
		"unknown argument":       {[]string{"serve"}, nil, []string{"serve"}},
		"unknown variables":      {nil, []string{"HOLDFAST_LISTENN=x", "HOLDFAST_A=y"}, []string{"HOLDFAST_A, HOLDFAST_LISTENN"}},
		"not in the environment": {nil, []string{"HOLDFAST_ONCE=true"}, []string{"HOLDFAST_ONCE"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(new(config), tc.args, tc.environ)
			var wrong *settings.Error
			if !errors.As(err, &wrong) || settings.ExitCode(err) != 2 {
				t.Fatalf("got %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not tell of %q", err, want)
				}
			}
		})
	}
}

func TestHelp(t *testing.T) {
	out, err := parse(new(config), []string{"--help"}, nil)
	if !errors.Is(err, settings.ErrDone) || settings.ExitCode(err) != 0 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		"Usage: holdfast-test", "Keeps files.", "--listen=\"127.0.0.1:8080\"", "($HOLDFAST_LISTEN)", "--drain-timeout", "--version",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for _, unwanted := range []string{"HOLDFAST_ONCE", "HOLDFAST_HELP", "HOLDFAST_VERSION"} {
		if strings.Contains(out, unwanted) {
			t.Errorf("%q is in\n%s", unwanted, out)
		}
	}
}

func TestVersion(t *testing.T) {
	out, err := parse(new(config), []string{"--version"}, nil)
	if !errors.Is(err, settings.ErrDone) || out != "1.2.3\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestHelpOfAProgramWithWrongSettings(t *testing.T) {
	if _, err := parse(new(config), []string{"--help"}, []string{"HOLDFAST_LISTENN=x"}); !errors.Is(err, settings.ErrDone) {
		t.Errorf("got %v", err)
	}
}

func TestCommands(t *testing.T) {
	var cli struct {
		Serve struct {
			Listen string `default:"127.0.0.1:8080"`
		} `cmd:"" help:"Serve."`
		Get struct {
			Server string `default:"http://127.0.0.1:8080"`
			Path   string `arg:""`
		} `cmd:"" help:"Get a file."`
	}
	p := settings.Program{Name: "holdfast", Output: new(bytes.Buffer)}
	ctx, err := p.Parse([]string{"get", "/a"}, []string{"HOLDFAST_LISTEN=127.0.0.1:1", "HOLDFAST_SERVER=http://x"}, &cli)
	if err != nil {
		t.Fatal(err)
	}
	if ctx.Command() != "get <path>" || cli.Get.Path != "/a" || cli.Get.Server != "http://x" {
		t.Errorf("%s of %+v", ctx.Command(), cli.Get)
	}
}

func TestExitCode(t *testing.T) {
	if got := settings.ExitCode(nil); got != 0 {
		t.Errorf("nil exits with %d", got)
	}
	if got := settings.ExitCode(errors.New("disk on fire")); got != 1 {
		t.Errorf("an error exits with %d", got)
	}
}

func TestChecks(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		check func(*settings.Check)
		ok    bool
	}{
		"port 0":              {func(c *settings.Check) { c.HostPort("f", "127.0.0.1:0") }, true},
		"every address":       {func(c *settings.Check) { c.HostPort("f", ":8080") }, true},
		"name":                {func(c *settings.Check) { c.HostPort("f", "metadata.internal:9081") }, true},
		"IPv6":                {func(c *settings.Check) { c.HostPort("f", "[::1]:9081") }, true},
		"no port":             {func(c *settings.Check) { c.HostPort("f", "127.0.0.1") }, false},
		"empty port":          {func(c *settings.Check) { c.HostPort("f", "127.0.0.1:") }, false},
		"high port":           {func(c *settings.Check) { c.HostPort("f", "127.0.0.1:65536") }, false},
		"named port":          {func(c *settings.Check) { c.HostPort("f", "127.0.0.1:http") }, false},
		"loopback":            {func(c *settings.Check) { c.Loopback("f", "127.9.9.9:1", "") }, true},
		"loopback IPv6":       {func(c *settings.Check) { c.Loopback("f", "[::1]:1", "") }, true},
		"mapped loopback":     {func(c *settings.Check) { c.Loopback("f", "[::ffff:127.0.0.1]:1", "") }, true},
		"localhost":           {func(c *settings.Check) { c.Loopback("f", "localhost:1", "") }, true},
		"not loopback":        {func(c *settings.Check) { c.Loopback("f", "10.0.0.1:1", "") }, false},
		"all are not":         {func(c *settings.Check) { c.Loopback("f", ":1", "") }, false},
		"a name is not":       {func(c *settings.Check) { c.Loopback("f", "localhost.example.com:1", "") }, false},
		"positive":            {func(c *settings.Check) { c.Positive("f", 1) }, true},
		"zero":                {func(c *settings.Check) { c.Positive("f", 0) }, false},
		"zero may be":         {func(c *settings.Check) { c.NotNegative("f", 0) }, true},
		"negative":            {func(c *settings.Check) { c.NotNegative("f", -1) }, false},
		"directory":           {func(c *settings.Check) { c.WritableDir("f", dir) }, true},
		"directory to make":   {func(c *settings.Check) { c.WritableDir("f", filepath.Join(dir, "a", "b")) }, true},
		"file":                {func(c *settings.Check) { c.WritableDir("f", file) }, false},
		"below a file":        {func(c *settings.Check) { c.WritableDir("f", filepath.Join(file, "a")) }, false},
		"no directory":        {func(c *settings.Check) { c.WritableDir("f", "") }, false},
		"not even a kernel's": {func(c *settings.Check) { c.WritableDir("f", "/proc/self") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			var c settings.Check
			tc.check(&c)
			if err := c.Err(); (err == nil) != tc.ok {
				t.Errorf("got %v", err)
			} else if err != nil && !strings.HasPrefix(err.Error(), "--f: ") {
				t.Errorf("%q does not name the flag", err)
			}
		})
	}
	left, err := os.ReadDir(filepath.Join(dir, "a", "b"))
	if err != nil || len(left) != 0 {
		t.Errorf("the check left %v, %v", left, err)
	}
}
