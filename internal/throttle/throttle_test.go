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
