package logging_test

import (
	"bytes"
	"errors"
	"fmt"
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
		g := logging.Gather(w, slog.LevelInfo)
		tell := func(message string) {
			if err := g.Handle(t.Context(), slog.NewRecord(time.Time{}, slog.LevelInfo, message, 0)); err != nil {
				t.Errorf("%q: %v", message, err)
			}
		}
		line := func(message string) string { return `{"level":"INFO","msg":"` + message + `"}` + "\n" }
		tell("a")
		w.want(t, line("a")) // alone, at once
		tell("b")
		tell("c")
		w.want(t, line("a"))
		time.Sleep(11 * time.Millisecond) //nolint:forbidigo // of the bubble
		synctest.Wait()
		w.want(t, line("a"), line("b")+line("c"))
		time.Sleep(11 * time.Millisecond) //nolint:forbidigo // of the bubble
		synctest.Wait()
		tell("d")
		w.want(t, line("a"), line("b")+line("c"), line("d"))
		tell("e")
		if err := g.Flush(); err != nil {
			t.Error(err)
		}
		w.want(t, line("a"), line("b")+line("c"), line("d"), line("e"))
		for range 255 {
			tell("many")
		}
		w.want(t, line("a"), line("b")+line("c"), line("d"), line("e"))
		tell("many") // and no more can wait
		w.want(t, line("a"), line("b")+line("c"), line("d"), line("e"), strings.Repeat(line("many"), 256))
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble; no timer is left at its end
	})
}

func TestGatherTellsOfErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &writes{err: errors.New("the disk is full")}
		g := logging.Gather(w, slog.LevelInfo)
		record := slog.NewRecord(time.Time{}, slog.LevelInfo, "a", 0)
		if err := g.Handle(t.Context(), record); !errors.Is(err, w.err) {
			t.Errorf("at once: %v", err)
		}
		if err := g.Handle(t.Context(), record); err != nil {
			t.Errorf("one that waits: %v", err)
		}
		if err := g.Flush(); !errors.Is(err, w.err) {
			t.Errorf("flush: %v", err)
		}
		if lost := g.Lost(); lost != 2 {
			t.Errorf("%d lines are lost, want 2", lost)
		}
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble
	})
}

// Lines of loggers with attributes of their own stay whole and in their order.
func TestGatheredLog(t *testing.T) {
	var b bytes.Buffer
	g := logging.Gather(&b, slog.LevelInfo, slog.String("logger", "audit"))
	log, grouped := slog.New(g).With(slog.String("of", "one")), slog.New(g).WithGroup("group")
	for i := range 100 {
		log.InfoContext(t.Context(), "call", slog.Int("i", i))
		grouped.InfoContext(t.Context(), "call", slog.Int("i", i))
	}
	log.DebugContext(t.Context(), "below the level")
	if err := g.Flush(); err != nil {
		t.Error(err)
	}
	lines := strings.Split(b.String(), "\n")
	if len(lines) != 201 || lines[200] != "" {
		t.Fatalf("%d lines", len(lines))
	}
	for i := range 100 {
		if want := fmt.Sprintf(`"logger":"audit","of":"one","i":%d}`, i); !strings.HasSuffix(lines[2*i], want) {
			t.Errorf("line %d is %s", 2*i, lines[2*i])
		}
		if want := fmt.Sprintf(`"logger":"audit","group":{"i":%d}}`, i); !strings.HasSuffix(lines[2*i+1], want) {
			t.Errorf("line %d is %s", 2*i+1, lines[2*i+1])
		}
	}
}
