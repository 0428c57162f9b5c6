// Package throttle bounds how much one client may ask for: how often, by a
// token bucket for each client, and how much at a time. It remembers a bounded
// number of clients, by a hash of whatever names them, so neither a flood of
// addresses nor a list of credentials is kept.
package throttle

import (
	"hash/maphash"
	"math"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// Limit is how often a client may call: Burst times at once, and Rate times a
// second in the long run. The zero Limit is none.
type Limit struct {
	Rate  float64
	Burst int
}

const (
	// shards keep callers from waiting for each other.
	shards = 16
	// defaultClients is how many clients a Pace remembers: 2 MiB or so.
	defaultClients = 1 << 14
)

// Pace bounds how often each client calls. A nil Pace bounds nothing. Safe for
// concurrent use.
type Pace struct {
	name   string
	limit  Limit
	quoted string // the name, as a structured field has it
	policy string
	now    func() time.Time
	seed   maphash.Seed
	parts  [shards]part
}

// part is a part of the clients. When it is full, the ones that have not called
// for longest are forgotten: it keeps two generations, and a client that calls
// moves to the newer one.
type part struct {
	mu       sync.Mutex
	now, old map[uint64]*rate.Limiter
}

// NewPace returns a Pace, nil for the zero Limit. The name is what callers see,
// such as "address"; now is the clock.
func NewPace(name string, limit Limit, now func() time.Time) *Pace {
	if limit.Rate <= 0 {
		return nil
	}
	limit.Burst = max(limit.Burst, 1)
	p := &Pace{name: name, quoted: strconv.Quote(name), limit: limit, now: now, seed: maphash.MakeSeed()}
	window := max(int64(math.Ceil(float64(limit.Burst)/limit.Rate)), 1)
	p.policy = p.quoted + ";q=" + strconv.Itoa(limit.Burst) + ";w=" + strconv.FormatInt(window, 10)
	return p
}

// Take counts one call of a client. It returns RATE_LIMITED when the client
// calls too often, with the time after which another call will pass; what was
// refused is not counted.
func (p *Pace) Take(client string) error {
	_, err := p.Spend(client)
	return err
}

// Spend is Take, and tells how the client stands.
func (p *Pace) Spend(client string) (Standing, error) {
	if p == nil {
		return Standing{}, nil
	}
	now := p.now()
	bucket := p.bucket(client)
	taken := bucket.AllowN(now, 1)
	tokens := bucket.TokensAt(now)
	if taken {
		return Standing{pace: p, left: max(int(tokens), 0)}, nil
	}
	wait := time.Duration((1 - tokens) / p.limit.Rate * float64(time.Second))
	return Standing{pace: p}, p.refusal(max(wait, time.Millisecond))
}

// GiveBack takes back one call of a client that was counted and, as it turned out,
// should not be. A client never has more than the burst.
func (p *Pace) GiveBack(client string) {
	if p == nil {
		return
	}
	p.bucket(client).AllowN(p.now(), -1) // a reservation that is cancelled gives less back when others came after it
}

// Standing is how a client stands that has called. The zero Standing is one
// without a bound.
type Standing struct {
	pace *Pace
	left int
}

// Append appends the items that the fields RateLimit-Policy and RateLimit have of
// a standing to theirs.
func (s Standing) Append(policy, limit []byte) (policies, limits []byte) {
	if s.pace == nil {
		return policy, limit
	}
	if len(policy) > 0 {
		policy, limit = append(policy, ", "...), append(limit, ", "...)
	}
	policy = append(policy, s.pace.policy...)
	limit = append(append(limit, s.pace.quoted...), ";r="...)
	return policy, strconv.AppendInt(limit, int64(s.left), 10)
}

// Names of the metadata of a refusal: the header fields of
// draft-ietf-httpapi-ratelimit-headers-10, as they are to be sent.
const (
	FieldPolicy = "ratelimit-policy"
	FieldLimit  = "ratelimit"
)

func (p *Pace) refusal(wait time.Duration) error {
	err := fault.New(errorsv1.Reason_REASON_RATE_LIMITED, "too many requests from this %s", p.name)
	err.RetryAfter = wait
	seconds := int64(math.Ceil(wait.Seconds()))
	err.Metadata = map[string]string{
		FieldPolicy: p.policy,
		FieldLimit:  p.quoted + ";r=0;t=" + strconv.FormatInt(seconds, 10),
	}
	return err
}

func (p *Pace) bucket(client string) *rate.Limiter {
	key := maphash.String(p.seed, client)
	at := &p.parts[key%shards]
	at.mu.Lock()
	defer at.mu.Unlock()
	if found := at.now[key]; found != nil {
		return found
	}
	found := at.old[key]
	if found == nil {
		found = rate.NewLimiter(rate.Limit(p.limit.Rate), p.limit.Burst)
	}
	if at.now == nil || len(at.now) >= defaultClients/shards/2 {
		at.old, at.now = at.now, make(map[uint64]*rate.Limiter)
	}
	at.now[key] = found
	return found
}
