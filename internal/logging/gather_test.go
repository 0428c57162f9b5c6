package logging_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
		tell := func(message string) {
			if _, err := io.WriteString(g, ended(message)); err != nil {
				t.Errorf("%q: %v", message, err)
			}
		}
		tell("a")
		w.want(t, ended("a")) // alone, at once
		tell("b")
		tell("c")
		w.want(t, ended("a"))
		time.Sleep(11 * time.Millisecond) //nolint:forbidigo // of the bubble
		synctest.Wait()
		w.want(t, ended("a"), ended("b")+ended("c"))
		time.Sleep(11 * time.Millisecond) //nolint:forbidigo // of the bubble
		synctest.Wait()
		tell("d")
		w.want(t, ended("a"), ended("b")+ended("c"), ended("d"))
		tell("e")
		if err := g.Flush(); err != nil {
			t.Error(err)
		}
		w.want(t, ended("a"), ended("b")+ended("c"), ended("d"), ended("e"))
		many := strings.Repeat("many", 4<<10) // sixteen of them are too much
		for range 15 {
			tell(many)
		}
		w.want(t, ended("a"), ended("b")+ended("c"), ended("d"), ended("e"))
		tell(many) // and no more can wait
		w.want(t, ended("a"), ended("b")+ended("c"), ended("d"), ended("e"), strings.Repeat(ended(many), 16))
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble; no timer is left at its end
	})
}

func TestGatherTellsOfErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &writes{err: errors.New("the disk is full")}
		g := logging.Gather(w)
		if _, err := io.WriteString(g, ended("a")); !errors.Is(err, w.err) {
			t.Errorf("at once: %v", err)
		}
		for range 2 {
			if _, err := io.WriteString(g, ended("b")); err != nil {
				t.Errorf("one that waits: %v", err)
			}
		}
		if err := g.Flush(); !errors.Is(err, w.err) {
			t.Errorf("flush: %v", err)
		}
		if lost := g.Lost(); lost != 3 {
			t.Errorf("%d lines are lost, want 3", lost)
		}
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble
	})
}

// A disk that is full halfway through a line does not take the next one along.
func TestGatherAfterATornLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &filling{room: len("first\nsec")}
		g := logging.Gather(w)
		for i, row := range []struct {
			line string
			room int
			lost int64
		}{{"first", 0, 0}, {"second", 0, 1}, {"third", 0, 2}, {"fourth", 100, 2}, {"fifth", 100, 2}} {
			w.room += row.room
			_, err := io.WriteString(g, ended(row.line))
			if flushed := g.Flush(); (err != nil || flushed != nil) != (i == 1 || i == 2) {
				t.Errorf("%s: %v, %v", row.line, err, flushed)
			}
			if lost := g.Lost(); lost != row.lost {
				t.Errorf("%s: %d lost, want %d", row.line, lost, row.lost)
			}
		}
		if want := "first\nsec\nfourth\nfifth\n"; string(w.text) != want {
			t.Errorf("written is %q, want %q", w.text, want)
		}
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble
	})
}

// filling is a disk with little room.
type filling struct {
	text []byte
	room int
}

func (f *filling) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.text = append(f.text, p[:n]...)
	f.room -= n
	if n < len(p) {
		return n, errors.New("the disk is full")
	}
	return n, nil
}

func ended(message string) string { return message + "\n" }

// Lines of many at once stay whole, and each one's in their order.
func TestGatheredLines(t *testing.T) {
	const loggers, lines = 8, 500
	var b bytes.Buffer
	g := logging.Gather(&b)
	var all sync.WaitGroup
	for i := range loggers {
		all.Go(func() {
			for j := range lines {
				if _, err := fmt.Fprintf(g, "%d %d\n", i, j); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := g.Flush(); err != nil {
		t.Error(err)
	}
	var next [loggers]int
	for text := range strings.Lines(b.String()) {
		var i, j int
		if _, err := fmt.Sscanf(text, "%d %d\n", &i, &j); err != nil || i >= loggers || j != next[i] {
			t.Fatalf("line %q: %v", text, err)
		}
		next[i]++
	}
	for i, n := range next {
		if n != lines {
			t.Errorf("%d lines of %d, want %d", n, i, lines)
		}
	}
}
