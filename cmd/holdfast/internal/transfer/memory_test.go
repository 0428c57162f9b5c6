package transfer

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestMemory(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state", "uploads")
	m := newMemory(folder, "key", nil)
	if got := m.Load(); got != "" {
		t.Errorf("remembers %q", got)
	}
	const location = "/v1/spaces/default/uploads/u"
	m.Save(location)
	if got := newMemory(folder, "key", nil).Load(); got != location {
		t.Errorf("remembers %q", got)
	}
	if got := newMemory(folder, "another", nil).Load(); got != "" {
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
	old, young := newMemory(folder, "old", nil), newMemory(folder, "young", nil)
	for _, m := range []memory{old, young} {
		m.Save("/v1/spaces/default/uploads/u")
	}
	past := time.Now().Add(-unfinishedAge - time.Hour)
	if err := os.Chtimes(old.path, past, past); err != nil {
		t.Fatal(err)
	}
	newMemory(folder, "third", nil)
	if old.Load() != "" || young.Load() == "" {
		t.Errorf("old %q, young %q", old.Load(), young.Load())
	}
}

func TestNoMemory(t *testing.T) {
	m := newMemory("", "key", nil)
	m.Save("/v1/x")
	if m.Load() != "" {
		t.Errorf("%q", m.Load())
	}
	m.Forget()
}
