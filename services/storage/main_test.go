package main

import (
	"io"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/settings"
)

func parse(args, environ []string) (config, error) {
	var c config
	_, err := settings.Program{Name: "storage", Output: io.Discard}.Parse(args, environ, &c)
	return c, err
}

func TestDefaults(t *testing.T) {
	c, err := parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:9083" || c.InspectListen != "127.0.0.1:9084" || c.Ledger != "127.0.0.1:9082" ||
		c.Engine != "disk" || c.DataDir != "data" || c.UploadMemory != 128 {
		t.Errorf("defaults %+v", c)
	}
	c, err = parse([]string{"--ledger=metadata:1"}, []string{"HOLDFAST_LEDGER=other:2", "HOLDFAST_DATA_DIR=/x"})
	if err != nil || c.Ledger != "metadata:1" || c.DataDir != "/x" {
		t.Errorf("got %+v, %v", c, err)
	}
}

// TestBadSettings wants each bad setting refused by a message that names it.
func TestBadSettings(t *testing.T) {
	for _, arg := range []string{
		"--listen=0.0.0.0:9083", "--listen=nonsense", "--inspect-listen=:9084", "--ledger=metadata", "--engine=tape",
		"--upload-memory=0", "--upload-memory=many", "--upload-stall=-1s", "--sweep-interval=0s", "--sweep-rate=0", "--sweep-lease=10ms", "--sweep-lease=2h",
		"--orphan-grace=0s", "--drain-timeout=0s", "--log-level=loud",
	} {
		flag, _, _ := strings.Cut(arg, "=")
		if _, err := parse([]string{arg}, nil); err == nil || !strings.Contains(err.Error(), flag) || settings.ExitCode(err) != 2 {
			t.Errorf("%s: %v", arg, err)
		}
	}
}
