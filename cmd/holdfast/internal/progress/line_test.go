package progress

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestRender(t *testing.T) {
	for _, test := range []struct {
		state state
		width int
		text  string
	}{
		{state{}, 80, "0 B  0 B/s  0 files, looking for more"},
		{state{files: 900, doneFiles: 312, bytes: 5 << 30, doneBytes: 1 << 30, bytesPerSecond: 100 << 20}, 80,
			"1.0 GiB  100 MiB/s  312 files, looking for more"},
		{state{known: true, files: 900, doneFiles: 312, bytes: 4 << 30, doneBytes: 1 << 30, bytesPerSecond: 100 << 20}, 80,
			" 25%  1.0 GiB of 4.0 GiB  100 MiB/s  0:30 left  312 of 900 files"},
		{state{known: true, files: 1, bytes: 1 << 40, bytesPerSecond: 1 << 20}, 80, "  0%  0 B of 1.0 TiB  1.0 MiB/s  99:59:59 left"},
		{state{known: true, files: 1, bytes: 36 << 30, doneBytes: 1 << 30, bytesPerSecond: 10 << 20}, 80,
			"  2%  1.0 GiB of 36 GiB  10 MiB/s  59:44 left"},
		{state{known: true, files: 1, bytes: 37 << 30, doneBytes: 1 << 30, bytesPerSecond: 10 << 20}, 80,
			"  2%  1.0 GiB of 37 GiB  10 MiB/s  1:01:26 left"},
		{state{known: true, files: 1, doneFiles: 1, bytes: 10, doneBytes: 10}, 80, "100%  10 B of 10 B  0 B/s"},
		{state{known: true, files: 1, bytes: 10, doneBytes: 30}, 80, "100%  30 B of 10 B  0 B/s"},
		{state{known: true, files: 1, doneBytes: 4096}, 80, "4.0 KiB  0 B/s"},
		{state{known: true, files: 1, doneFiles: 1, bytes: 10, doneBytes: 10}, 10, "100%  10 "},
		{state{known: true}, 0, ""},
	} {
		if got := render(test.state, test.width); got != test.text {
			t.Errorf("%+v: got %q, want %q", test.state, got, test.text)
		}
	}
}

// TestLine watches what is written to the terminal while time passes.
func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		meter := new(Meter)
		line := Show(&out, func() int { return 80 }, meter)
		meter.Expect(1000)
		meter.Known()
		<-time.After(drawEvery + time.Millisecond)
		meter.Move(500)
		<-time.After(drawEvery)
		line.Aside(func() { out.WriteString("a warning\n") })
		line.Aside(func() { out.WriteString("another\n") })
		meter.Move(-500)
		meter.Move(1000)
		meter.Finish()
		<-time.After(drawEvery)
		line.Stop()
		want := clearLine + "  0%  0 B of 1000 B  0 B/s" +
			clearLine + " 50%  500 B of 1000 B  4.9 KiB/s  0:00 left" +
			clearLine + "a warning\nanother\n" +
			clearLine + "100%  1000 B of 1000 B  4.9 KiB/s" +
			clearLine
		if out.String() != want {
			t.Errorf("got  %q\nwant %q", out.String(), want)
		}
	})
}

func TestRateForgets(t *testing.T) {
	l := new(Line)
	start := time.Unix(0, 0)
	l.rate(start, 0)
	if got := l.rate(start.Add(2*time.Second), 200); got != 100 {
		t.Errorf("got %v", got)
	}
	if got := l.rate(start.Add(7*time.Second), 200); got != 0 {
		t.Errorf("after a pause: got %v", got)
	}
	if got := l.rate(start.Add(8*time.Second), 100); got != 0 {
		t.Errorf("backwards: got %v", got)
	}
	if len(l.recent) > 3 {
		t.Errorf("%d samples are kept", len(l.recent))
	}
}

func TestNoLine(t *testing.T) {
	var line *Line
	called := false
	line.Aside(func() { called = true })
	line.Stop()
	if !called {
		t.Error("it was not printed")
	}
}
