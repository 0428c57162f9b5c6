package access_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// fsck of a running service with identity is for administrators, who show their
// key as in every other command.
func TestFsckIsForAdministrators(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode fleet.Mode) {
		w := newWorld(t, mode)
		w.make("POST", "/v1/spaces/team/keys", `{"scope":"READ"}`)
		w.make("POST", "/v1/spaces/team/shares", `{"file":"`+w.put(w.fresh())["name"].(string)+`"}`)
		built, err := programs()
		if err != nil {
			t.Fatal(err)
		}
		keyFile := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(keyFile, []byte(w.bearers["administrator"]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, try := range map[string]struct {
			environ, flags []string
			sound          bool
		}{
			"nobody":                        {nil, nil, false},
			"an owner":                      {[]string{"HOLDFAST_KEY=" + w.bearers["owner"]}, nil, false},
			"a revoked key":                 {[]string{"HOLDFAST_KEY=" + w.bearers["revoked key"]}, nil, false},
			"an administrator":              {[]string{"HOLDFAST_KEY=" + w.bearers["administrator"]}, nil, true},
			"his key in a file":             {nil, []string{"--key-file=" + keyFile}, true},
			"his key in a file, by name":    {[]string{"HOLDFAST_KEY_FILE=" + keyFile}, nil, true},
			"a key and the file of another": {[]string{"HOLDFAST_KEY=x"}, []string{"--key-file=" + keyFile}, false},
		} {
			command := exec.CommandContext(t.Context(), filepath.Join(built, "holdfast"), append([]string{"fsck", "--inspect=" + w.fleet.Inspect}, try.flags...)...)
			command.Env = append(fleet.Environ(), try.environ...)
			out, err := command.CombinedOutput()
			if (err == nil) != try.sound || try.sound != strings.Contains(string(out), " 0 findings") {
				t.Errorf("%s: %v: %s", name, err, out)
			}
			if strings.Contains(string(out), w.bearers["administrator"]) {
				t.Errorf("%s: a key is printed", name)
			}
		}
	})
}
