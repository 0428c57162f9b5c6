package uploads_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/holdfast-files/holdfast/test/faultproxy"
	"github.com/holdfast-files/holdfast/test/fleet"
)

// TestKilledPut kills the client in the middle of a large file. Started anew it
// goes on: what goes over the wire is little more than the file.
func TestKilledPut(t *testing.T) {
	// bound is for what was on its way when the client died.
	const size, killAt, bound = 96 << 20, 70 << 20, 12 << 20
	s := start(t, fleet.Three, false, swift)
	contents := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{9}).Read(contents) // never fails
	file := filepath.Join(t.TempDir(), "large")
	must(t, os.WriteFile(file, contents, 0o600))
	var victim atomic.Pointer[os.Process]
	proxy, err := faultproxy.Start(faultproxy.Config{
		Server: strings.TrimPrefix(s.URL, "http://"),
		Passed: func(sent int64) {
			if sent < killAt {
				return
			}
			if p := victim.Swap(nil); p != nil {
				_ = p.Kill() // its exit code tells
			}
		},
	})
	must(t, err)
	t.Cleanup(func() { _ = proxy.Close() }) // some connections are closed already
	state := t.TempDir()
	put := func() *exec.Cmd {
		command := exec.CommandContext(s.ctx, filepath.Join(s.programs, "holdfast"), "put", "--server=http://"+proxy.Address, file, "/put")
		command.Env = append(fleet.Environ(), "XDG_STATE_HOME="+state)
		command.Stdout, command.Stderr = new(bytes.Buffer), new(bytes.Buffer)
		return command
	}
	first := put()
	must(t, first.Start())
	victim.Store(first.Process)
	if err := first.Wait(); first.ProcessState.ExitCode() >= 0 {
		t.Fatalf("the first client was not killed: %v %v", err, first.Stderr)
	}
	sent := proxy.Sent()
	second := put()
	if err := second.Run(); err != nil {
		t.Fatalf("the second client: %v %v", err, second.Stderr)
	}
	t.Logf("%d bytes were sent before the kill and %d after; the file has %d", sent, proxy.Sent()-sent, size)
	if proxy.Sent() > size+bound {
		t.Errorf("%d bytes were sent for a file of %d", proxy.Sent(), size)
	}
	s.holds("/put", contents)
	s.sound(1)
}
