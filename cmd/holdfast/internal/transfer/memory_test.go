package transfer

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestMemory(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state", "uploads")
	m := newMemory(folder, "key")
	if got := m.Load(); got != "" {
		t.Errorf("remembers %q", got)
	}
	const location = "/v1/spaces/default/uploads/u"
	if err := m.Save(location); err != nil {
		t.Fatal(err)
	}
	if got := newMemory(folder, "key").Load(); got != location {
		t.Errorf("remembers %q", got)
	}
	if got := newMemory(folder, "another").Load(); got != "" {
		t.Errorf("another remembers %q", got)
	}
	// A file that is none of ours is no upload.
	if err := os.WriteFile(m.path, []byte("http://elsewhere.example/"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := m.Load(); got != "" {
		t.Errorf("took %q", got)
	}
	m.Forget()
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v are left", entries, err)
	}
}

func TestMemoryForgetsWhatIsOld(t *testing.T) {
	folder := t.TempDir()
	old, young := newMemory(folder, "old"), newMemory(folder, "young")
	for _, m := range []memory{old, young} {
		if err := m.Save("/v1/spaces/default/uploads/u"); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-unfinishedAge - time.Hour)
	if err := os.Chtimes(old.path, past, past); err != nil {
		t.Fatal(err)
	}
	newMemory(folder, "third")
	if old.Load() != "" || young.Load() == "" {
		t.Errorf("old %q, young %q", old.Load(), young.Load())
	}
}

func TestNoMemory(t *testing.T) {
	m := newMemory("", "key")
	if err := m.Save("/v1/x"); err != nil || m.Load() != "" {
		t.Errorf("%v, %q", err, m.Load())
	}
	m.Forget()
}
