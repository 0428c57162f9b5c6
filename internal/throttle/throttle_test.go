package throttle_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/throttle"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

func TestPace(t *testing.T) {
	now := time.Unix(1000, 0)
	p := throttle.NewPace("address", throttle.Limit{Rate: 2, Burst: 5}, func() time.Time { return now })
	for i := range 5 {
		if err := p.Take("a"); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	err := p.Take("a")
	var refused *fault.Error
	if !errors.As(err, &refused) || refused.Reason != errorsv1.Reason_REASON_RATE_LIMITED {
		t.Fatalf("call beyond the burst: %v", err)
	}
	if refused.RetryAfter != 500*time.Millisecond ||
		refused.Metadata[throttle.FieldPolicy] != `"address";q=5;w=3` || refused.Metadata[throttle.FieldLimit] != `"address";r=0;t=1` {
		t.Errorf("refusal: after %v, %v", refused.RetryAfter, refused.Metadata)
	}
	if err := p.Take("b"); err != nil {
		t.Errorf("another client: %v", err)
	}
	now = now.Add(refused.RetryAfter)
	if err := p.Take("a"); err != nil {
		t.Errorf("after the time that was told: %v", err)
	}
	if err := p.Take("a"); err == nil {
		t.Error("a second call after the time for one")
	}
}

// A flood of clients is let through, one call each, and makes neither the
// memory grow nor the one that keeps calling be forgotten.
func TestPaceUnderAFloodOfClients(t *testing.T) {
	now := time.Unix(1000, 0)
	p := throttle.NewPace("address", throttle.Limit{Rate: 0.001, Burst: 1}, func() time.Time { return now })
	if err := p.Take("busy"); err != nil {
		t.Fatal(err)
	}
	for i := range 200_000 {
		if err := p.Take(fmt.Sprint(i)); err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
		if i%256 == 0 {
			if err := p.Take("busy"); err == nil {
				t.Fatalf("after %d others the busy client was forgotten", i)
			}
		}
	}
	if n := p.Remembered(); n > 1<<14 {
		t.Errorf("%d clients are remembered", n)
	}
}

// What is given back can be taken again, but never more than the burst, however
// often, and whatever was taken or passed meanwhile.
func TestGiveBack(t *testing.T) {
	now := time.Unix(1000, 0)
	p := throttle.NewPace("address", throttle.Limit{Rate: 1, Burst: 3}, func() time.Time { return now })
	left := func() (n int) {
		for p.Take("a") == nil {
			n++
		}
		return n
	}
	for range 100 {
		if err := p.Take("a"); err != nil {
			t.Fatal(err)
		}
		p.GiveBack("a")
	}
	for range 5 {
		p.GiveBack("a")
	}
	if n := left(); n != 3 {
		t.Errorf("%d calls after too much was given back, want the burst of 3", n)
	}
	p.GiveBack("a")
	p.GiveBack("a")
	if n := left(); n != 2 {
		t.Errorf("%d calls after 2 were given back", n)
	}
	now = now.Add(time.Second)
	p.GiveBack("a")
	if n := left(); n != 2 {
		t.Errorf("%d calls after a second and one given back, want 2", n)
	}
	now = now.Add(time.Minute)
	p.GiveBack("a")
	now = now.Add(time.Second)
	if n := left(); n != 3 {
		t.Errorf("%d calls after a minute and one given back, want the burst of 3", n)
	}
}

// A call that one Pace refuses is counted by none.
func TestCalls(t *testing.T) {
	now := func() time.Time { return time.Unix(1000, 0) }
	near := throttle.NewPace("near", throttle.Limit{Rate: 1, Burst: 3}, now)
	far := throttle.NewPace("far", throttle.Limit{Rate: 1, Burst: 5}, now)
	both := func(client string) throttle.Calls {
		return throttle.Calls{{Pace: near, Client: client}, {Pace: nil, Client: client}, {Pace: far, Client: "all"}}
	}
	take := func(client string, times int) (passed int) {
		for range times {
			if both(client).Take() == nil {
				passed++
			}
		}
		return passed
	}
	if a, b := take("a", 10), take("b", 10); a != 3 || b != 2 {
		t.Errorf("%d and %d passed, want 3 by the near bound and then 2 by the far one", a, b)
	}
	both("a").GiveBack()
	if b := take("b", 10); b != 1 {
		t.Errorf("%d passed after one was given back: what the far bound refused was counted by the near one, or not given back", b)
	}
	if err := near.Take("b"); err == nil {
		t.Error("3 of b passed, and another does")
	}
}

func TestCrowd(t *testing.T) {
	c := throttle.NewCrowd("requests of this address", 3)
	var inside, most, refused atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if err := c.Enter("a"); err != nil {
				refused.Add(1)
				return
			}
			defer c.Leave("a")
			for n := inside.Add(1); ; {
				if seen := most.Load(); n <= seen || most.CompareAndSwap(seen, n) {
					break
				}
			}
			inside.Add(-1)
		})
	}
	all.Wait()
	if most.Load() > 3 {
		t.Errorf("%d were inside at a time", most.Load())
	}
	for range 3 {
		if err := c.Enter("a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Enter("a"); fault.ReasonOf(err) != errorsv1.Reason_REASON_RATE_LIMITED {
		t.Errorf("a fourth: %v", err)
	}
	if err := c.Enter("b"); err != nil {
		t.Errorf("another client: %v", err)
	}
}

// What a client takes at once counts as a whole, or not at all.
func TestCrowdOfMany(t *testing.T) {
	c := throttle.NewCrowd("bytes of this address", 10)
	if err := c.Take("a", 11); fault.ReasonOf(err) != errorsv1.Reason_REASON_RATE_LIMITED {
		t.Errorf("11 of 10: %v", err)
	}
	for range 3 {
		if err := c.Take("a", 8); err != nil {
			t.Fatal(err)
		}
		err := c.Take("a", 3)
		if fault.ReasonOf(err) != errorsv1.Reason_REASON_RATE_LIMITED || !strings.Contains(err.Error(), "too many bytes of this address at a time; 10 are let in") {
			t.Errorf("3 beside 8 of 10: %v", err)
		}
		if err := c.Take("a", 2); err != nil {
			t.Errorf("2 beside 8 of 10: %v", err)
		}
		c.Give("a", 8)
		c.Give("a", 2)
	}
}

func TestNoLimit(t *testing.T) {
	p, c := throttle.NewPace("x", throttle.Limit{}, time.Now), throttle.NewCrowd("x", 0)
	for range 1000 {
		if err := errors.Join(p.Take("a"), c.Enter("a")); err != nil {
			t.Fatal(err)
		}
	}
	c.Leave("a")
}

func TestClient(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8::1": "2001:db8::/64", "2001:db8::ffff:1": "2001:db8::/64", "2001:db8:0:1::1": "2001:db8:0:1::/64",
		"fe80::1%eth0": "fe80::/64", "": "", "nonsense": "nonsense",
	} {
		if got := throttle.Client(address); got != want {
			t.Errorf("Client(%q) = %q, want %q", address, got, want)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	p := throttle.NewPace("address", throttle.Limit{Rate: 1e12, Burst: 1 << 30}, time.Now)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Take("192.0.2.1"); err != nil {
			b.Fatal(err)
		}
	}
}
