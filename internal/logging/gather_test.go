package logging_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-files/holdfast/internal/logging"
)

// writes keeps what each write was.
type writes struct {
	mu  sync.Mutex
	all []string
	err error
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	w.all = append(w.all, string(p))
	return len(p), nil
}

func (w *writes) want(t *testing.T, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.all, want) {
		t.Errorf("written were %q, want %q", w.all, want)
	}
}

func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(writes)
		g := logging.Gather(w)
		write := func(line string) {
			if n, err := g.Write([]byte(line)); n != len(line) || err != nil {
				t.Errorf("%q: %d, %v", line, n, err)
			}
		}
		write("a\n")
		w.want(t, "a\n") // alone, at once
		write("b\n")
		write("c\n")
		w.want(t, "a\n")
		time.Sleep(3 * time.Millisecond) //nolint:forbidigo // of the bubble
		synctest.Wait()
		w.want(t, "a\n", "b\nc\n")
		time.Sleep(3 * time.Millisecond) //nolint:forbidigo // of the bubble
		synctest.Wait()
		write("d\n")
		w.want(t, "a\n", "b\nc\n", "d\n")
		write("e\n")
		if err := g.Flush(); err != nil {
			t.Error(err)
		}
		w.want(t, "a\n", "b\nc\n", "d\n", "e\n")
		long := strings.Repeat("x", 64<<10)
		write(long)
		w.want(t, "a\n", "b\nc\n", "d\n", "e\n", long)
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble; no timer is left at its end
	})
}

func TestGatherTellsOfErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &writes{err: errors.New("the disk is full")}
		g := logging.Gather(w)
		if _, err := g.Write([]byte("a\n")); !errors.Is(err, w.err) {
			t.Errorf("at once: %v", err)
		}
		if _, err := g.Write([]byte("b\n")); err != nil {
			t.Errorf("one that waits: %v", err)
		}
		if err := g.Flush(); !errors.Is(err, w.err) {
			t.Errorf("flush: %v", err)
		}
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble
	})
}

// Lines of a logger stay whole and in their order.
func TestGatheredLog(t *testing.T) {
	var b bytes.Buffer
	g := logging.Gather(&b)
	log := logging.New(g, nil)
	for i := range 100 {
		log.InfoContext(t.Context(), "call", slog.Int("i", i))
	}
	if err := g.Flush(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 100 || !strings.Contains(strings.Split(b.String(), "\n")[99], `"i":99`) {
		t.Errorf("%d lines", n)
	}
}
