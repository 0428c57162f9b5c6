package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
)

const (
	// drawEvery is often enough to look alive.
	drawEvery = 100 * time.Millisecond
	// rateOver is the time that the shown rate is the mean of.
	rateOver = 5 * time.Second
	// clearLine moves to the first column and clears what is there.
	clearLine = "\r\x1b[K"
)

// Line is a line of a terminal that shows a Meter until it is stopped. A nil
// Line shows nothing.
type Line struct {
	w     io.Writer
	width func() int
	meter *Meter

	mu     sync.Mutex
	shown  bool
	recent []sample // of the last rateOver, oldest first

	stop chan struct{}
	done sync.WaitGroup
}

type sample struct {
	at    time.Time
	bytes int64
}

// Show begins to show a meter on a terminal with that many columns.
func Show(w io.Writer, width func() int, meter *Meter) *Line {
	l := &Line{w: w, width: width, meter: meter, stop: make(chan struct{})}
	l.done.Go(l.run)
	return l
}

func (l *Line) run() {
	ticker := time.NewTicker(drawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case now := <-ticker.C:
			l.draw(now)
		}
	}
}

// Aside calls say, whose output is not to be mixed with the line.
func (l *Line) Aside(say func()) {
	if l == nil {
		say()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	say()
}

// Stop removes the line.
func (l *Line) Stop() {
	if l == nil {
		return
	}
	close(l.stop)
	l.done.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
}

func (l *Line) clear() {
	if l.shown {
		_, _ = io.WriteString(l.w, clearLine)
		l.shown = false
	}
}

func (l *Line) draw(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.meter.state()
	s.bytesPerSecond = l.rate(now, s.doneBytes)
	_, _ = io.WriteString(l.w, clearLine+render(s, l.width()))
	l.shown = true
}

// rate returns how many bytes were moved each second, lately.
func (l *Line) rate(now time.Time, bytes int64) float64 {
	l.recent = append(l.recent, sample{now, bytes})
	for now.Sub(l.recent[0].at) > rateOver {
		l.recent = l.recent[1:]
	}
	oldest := l.recent[0]
	if elapsed := now.Sub(oldest.at).Seconds(); elapsed > 0 {
		return max(0, float64(bytes-oldest.bytes)/elapsed)
	}
	return 0
}

// render returns the line, cut to a width.
func render(s state, width int) string {
	var parts []string
	if s.known && s.bytes > 0 {
		percent := min(100, max(0, 100*s.doneBytes/s.bytes))
		parts = append(parts, fmt.Sprintf("%3d%%", percent),
			fmt.Sprintf("%s of %s", console.Size(s.doneBytes), console.Size(s.bytes)))
	} else {
		parts = append(parts, console.Size(s.doneBytes))
	}
	parts = append(parts, console.Size(int64(s.bytesPerSecond))+"/s")
	if s.known && s.bytesPerSecond >= 1 && s.bytes > s.doneBytes {
		left := float64(s.bytes-s.doneBytes) / s.bytesPerSecond
		parts = append(parts, clock(left)+" left")
	}
	switch {
	case !s.known:
		parts = append(parts, console.Count(s.doneFiles, "file")+", looking for more")
	case s.files > 1:
		parts = append(parts, fmt.Sprintf("%d of %d files", s.doneFiles, s.files))
	}
	line := strings.Join(parts, "  ")
	if len(line) >= width { // all of it is ASCII; the last column stays free
		line = line[:max(0, width-1)]
	}
	return line
}

// clock returns seconds as m:ss or h:mm:ss.
func clock(seconds float64) string {
	s := int64(min(seconds, 359999))
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
