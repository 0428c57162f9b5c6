package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// diskBytes is the size of the small disk: what the services keep free of it,
// and some files.
const diskBytes = 256<<20 + 96<<20

// smallDisk mounts a disk in a namespace that ends with the test. It returns
// where it is, and the command that enters the namespace and starts a program.
func smallDisk(t *testing.T) (dir string, within []string) {
	t.Helper()
	dir = t.TempDir()
	enter := []string{"nsenter", "--mount"}
	hold := []string{"unshare", "--mount"}
	if os.Geteuid() != 0 {
		hold = append(hold, "--map-root-user")
		enter = append(enter, "--user", "--preserve-credentials")
	}
	holder := exec.Command(hold[0], append(hold[1:], "sh", "-c", //nolint:noctx // ends when its input does
		`mount -t tmpfs -o size=`+strconv.Itoa(diskBytes)+` tmpfs "$0" && echo mounted && exec cat`, dir)...)
	input, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint bytes.Buffer
	holder.Stderr = &complaint
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = input.Close(), holder.Wait() })
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil || line != "mounted\n" {
		t.Fatalf("no disk: %v %s", err, complaint.String())
	}
	return dir, append(enter, "--target="+strconv.Itoa(holder.Process.Pid), "--")
}

// TestFullDisk fills the disk. What does not fit is refused with an answer that
// says so, nothing that was acknowledged is lost, a restart succeeds, and what
// is deleted gives room again.
func TestFullDisk(t *testing.T) {
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fleet.Mode{fleet.One, fleet.Three} {
		t.Run(string(mode), func(t *testing.T) { fullDisk(t, mode, programs) })
	}
}

func fullDisk(t *testing.T, mode fleet.Mode, programs string) {
	dir, within := smallDisk(t)
	f, g := launched(t, fleet.Config{
		Mode: mode, Programs: programs, DataDir: filepath.Join(dir, "data"), Within: within,
		Flags: map[string]string{"blob-retention": "0s", "sweep-grace": "1s", "sweep-interval": "200ms", "sweep-lease": "5s"},
	})
	w := newWeb(t, g)

	acknowledged := map[string][]byte{}
	// Logs that records no longer need go now and then, so one refusal is not yet
	// the end.
	for i, refusals := 0, 0; refusals < 20; i++ {
		if i > 2*diskBytes>>20 {
			t.Fatal("the disk takes more than it holds")
		}
		path, contents := fmt.Sprintf("/f%03d", i), random([]int{4 << 20, 100 << 10, 0}[i%3])
		answer := w.put(path, contents)
		if answer.status == http.StatusCreated {
			acknowledged[path] = contents
			continue
		}
		answer.failed(http.StatusInsufficientStorage, "STORAGE_FULL")
		refusals++
	}
	if len(acknowledged) < 10 {
		t.Fatalf("%d files fill the disk", len(acknowledged))
	}
	refused := func() {
		t.Helper()
		w.put("/whole", random(64<<20)).failed(http.StatusInsufficientStorage, "STORAGE_FULL")
		unknown := struct{ io.Reader }{bytes.NewReader(random(64 << 20))}
		w.do(http.MethodPut, w.at("/unknown"), unknown).failed(http.StatusInsufficientStorage, "STORAGE_FULL")
		if got, want := len(w.names("path="+w.root, 1000)), len(acknowledged); got != want {
			t.Errorf("%d files are listed, %d were acknowledged", got, want)
		}
		for path, contents := range acknowledged {
			w.get(path).want(http.StatusOK).bytes(contents)
		}
	}
	refused()
	if err := f.Crash(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused()

	for path := range acknowledged {
		n := w.lookup(path)
		w.do(http.MethodDelete, "/v1/"+n.Name, nil).want(http.StatusOK)
		w.post("/v1/"+n.Name+":purge", "{}").want(http.StatusOK)
	}
	contents := random(8 << 20)
	for deadline := time.Now().Add(time.Minute); ; <-time.After(50 * time.Millisecond) {
		answer := w.put("/again", contents)
		if answer.status == http.StatusCreated {
			break
		}
		answer.failed(http.StatusInsufficientStorage, "STORAGE_FULL")
		if time.Now().After(deadline) {
			t.Fatal("what was deleted gave no room")
		}
	}
	w.get("/again").want(http.StatusOK).bytes(contents)
	if out, code := g.holdfast(t, "fsck", "--deep", "--inspect="+f.Inspect); code != 0 {
		t.Errorf("fsck: exit code %d: %s", code, out)
	}
}
