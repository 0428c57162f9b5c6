package uploads_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// dripping yields a few bytes at a time, at its pace.
type dripping struct {
	left  [][]byte
	pace  <-chan time.Time
	begun func()
}

func (d *dripping) Read(p []byte) (int, error) {
	if len(d.left) == 0 {
		return 0, io.EOF
	}
	if d.begun != nil {
		d.begun()
		d.begun = nil
	} else {
		<-d.pace
	}
	n := copy(p, d.left[0])
	d.left = d.left[1:]
	return n, nil
}

// TestSoakSlowUploads has 200 uploads open at a time whose bytes come slowly. No
// process takes more memory for them than the budget of all uploads together, and
// all of them end well. It takes 6 seconds, in a soak SOAK_SLOW_SECONDS or two
// minutes.
func TestSoakSlowUploads(t *testing.T) {
	const uploads, budget, tick = 200, 128 << 20, 250 * time.Millisecond
	drops := fleet.Amount("SOAK_SLOW_SECONDS", 6, 120) * int(time.Second/tick)
	s := start(t, fleet.Three, false, swift)
	contents := make([]byte, drops*1024)
	for i := range contents {
		contents[i] = byte(i >> 10)
	}
	before := map[string]int64{}
	for _, p := range s.Programs() {
		used, err := fleet.UsageOf(p.PID())
		must(t, err)
		before[p.Name] = used.RSSBytes
	}
	var begun, all sync.WaitGroup
	begun.Add(uploads)
	for i := range uploads {
		upload := s.open(fmt.Sprintf("/slow/%d", i), int64(len(contents)))
		all.Go(func() {
			pace := time.NewTicker(tick)
			defer pace.Stop()
			body := &dripping{pace: pace.C, begun: begun.Done}
			for at := 0; at < len(contents); at += 1024 {
				body.left = append(body.left, contents[at:at+1024])
			}
			resp, answer, err := s.call(s.ctx, http.MethodPatch, upload, body, int64(len(contents)), partial(0, "?1")...)
			if err != nil || resp.StatusCode != http.StatusCreated {
				t.Errorf("upload %d: %v %s, %v", i, resp, answer, err)
			}
		})
	}
	begun.Wait()
	all.Wait()
	for _, p := range s.Programs() {
		used, err := fleet.UsageOf(p.PID())
		must(t, err)
		t.Logf("%s: %d MiB before, peak %d MiB, %v CPU", p.Name, before[p.Name]>>20, used.PeakBytes>>20, used.CPU)
		if grown := used.PeakBytes - before[p.Name]; grown > budget {
			t.Errorf("%s took %d MiB for %d slow uploads, more than the budget of %d MiB", p.Name, grown>>20, uploads, budget>>20)
		}
	}
	s.holds("/slow/0", contents)
	s.holds(fmt.Sprintf("/slow/%d", uploads-1), contents)
}
