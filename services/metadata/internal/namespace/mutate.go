package namespace

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// outcomeLifetime is how long a request id stands for its first outcome.
const outcomeLifetime = 24 * time.Hour

// maxRequestIDBytes bounds a request id.
const maxRequestIDBytes = 128

// request is a mutating call, which may be a repetition.
type request struct {
	principal   string
	id          string // empty when the caller gave none
	fingerprint []byte // of what is asked for
}

// mutating is a request message of a mutating call.
type mutating interface {
	proto.Message
	GetRequestId() string
}

// newRequest describes a call by its message. Messages of different calls have
// different types, so the type and all fields but the request id are what is
// asked for.
func newRequest(ctx context.Context, message mutating) (request, error) {
	principal, err := access.ID(ctx)
	id := message.GetRequestId()
	if err != nil || id == "" {
		return request{principal: principal}, err
	}
	if len(id) > maxRequestIDBytes {
		return request{}, fault.Invalidf("request_id", "must not be longer than %d bytes", maxRequestIDBytes)
	}
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return request{}, fault.Invalidf("request_id", "must be printable ASCII without spaces")
		}
	}
	asked := proto.Clone(message).ProtoReflect()
	asked.Clear(asked.Descriptor().Fields().ByName("request_id"))
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(asked.Interface())
	if err != nil {
		return request{}, fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "fingerprint of a request")
	}
	kind := string(asked.Descriptor().FullName())
	sum := sha256.Sum256(append([]byte(kind+"\x00"), wire...))
	return request{principal: principal, id: id, fingerprint: sum[:]}, nil
}

// outcome returns what the request came to when it was made before, nil when it
// was not; REQUEST_ID_REUSED when the id stood for another request.
func (n *Namespace) outcome(ctx context.Context, r request) (*recordv1.Outcome, error) {
	outcome, err := n.keptOutcome(ctx, r)
	if err != nil || outcome == nil {
		return nil, err
	}
	if string(outcome.GetFingerprint()) != string(r.fingerprint) {
		return nil, requestIDReused()
	}
	return outcome, nil
}

// keptOutcome returns what a request with this id came to, whatever it asked for;
// nil when there was none.
func (n *Namespace) keptOutcome(ctx context.Context, r request) (*recordv1.Outcome, error) {
	if r.id == "" {
		return nil, nil
	}
	item, err := n.table.Get(ctx, record.Outcome(r.principal, r.id))
	if errors.Is(err, table.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	outcome := new(recordv1.Outcome)
	if err := record.Decode(item, outcome); err != nil {
		return nil, err
	}
	if passed(outcome.GetExpireMicros(), n.now()) {
		return nil, nil
	}
	return outcome, nil
}

func requestIDReused() error {
	return fault.New(errorsv1.Reason_REASON_REQUEST_ID_REUSED, "the request id was used before, for another request")
}

// putOutcome returns the write that keeps the outcome of a request. Its
// condition makes the request happen once, however often it arrives.
func (n *Namespace) putOutcome(r request, outcome *recordv1.Outcome, response proto.Message) (table.Write, error) {
	var err error
	outcome.Fingerprint = r.fingerprint
	outcome.ExpireMicros = n.now() + outcomeLifetime.Microseconds()
	if outcome.Response, err = proto.Marshal(response); err != nil {
		return table.Write{}, fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "outcome of a request")
	}
	item := record.Item(record.Outcome(r.principal, r.id), record.NewEtag(), outcome)
	item.Expires = time.UnixMicro(outcome.GetExpireMicros())
	return table.Put(item, table.IfAbsent), nil
}

// dropExpiredOutcome removes an outcome that has expired and may still be
// there, so that putOutcome's condition can hold. It removes no other, which the
// same request, made twice at once, may have come to meanwhile.
func (n *Namespace) dropExpiredOutcome(ctx context.Context, r request) error {
	key := record.Outcome(r.principal, r.id)
	item, err := n.table.Get(ctx, key)
	if errors.Is(err, table.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	old := new(recordv1.Outcome)
	if err := record.Decode(item, old); err != nil {
		return err
	}
	if !passed(old.GetExpireMicros(), n.now()) {
		return nil
	}
	return ignoreConditions(n.table.Commit(ctx, []table.Write{table.Delete(key, table.IfTag(item.Tag))}))
}

// mutate carries a request out once. attempt reads what it needs and returns
// the writes and the response; it runs again when a condition of the writes did
// not hold, for then what it had read was no longer so.
func mutate[M proto.Message](
	ctx context.Context, n *Namespace, r request, empty M, attempt func() ([]table.Write, M, error),
) (M, error) {
	return mutateTelling(ctx, n, r, empty, func(*table.ConditionError) {}, attempt)
}

// mutateTelling is mutate for an attempt that depends on which conditions of the
// one before did not hold: failed is told of them.
func mutateTelling[M proto.Message](
	ctx context.Context, n *Namespace, r request, empty M,
	failed func(*table.ConditionError), attempt func() ([]table.Write, M, error),
) (M, error) {
	place := n.turns.enter()
	defer place.end()
	for try := range maxAttempts {
		first, err := n.outcome(ctx, r)
		if err != nil {
			return empty, err
		}
		if first != nil {
			return empty, proto.Unmarshal(first.GetResponse(), empty)
		}
		writes, response, err := attempt()
		if errors.Is(err, errUnsettled) {
			if err := place.again(ctx, try, table.Key{}); err != nil {
				return empty, err
			}
			continue
		}
		if err != nil {
			return orFirst(ctx, n, r, empty, err)
		}
		if r.id != "" {
			kept, err := n.putOutcome(r, new(recordv1.Outcome), response)
			if err != nil {
				return empty, err
			}
			writes = append(writes, kept)
		}
		if len(writes) == 0 {
			return response, nil
		}
		err = n.table.Commit(ctx, writes)
		if err == nil {
			return response, nil
		}
		conflict := (*table.ConditionError)(nil)
		if !errors.As(err, &conflict) {
			return empty, err
		}
		failed(conflict)
		if r.id != "" && conflict.FailedAt(len(writes)-1) {
			if err := n.dropExpiredOutcome(ctx, r); err != nil {
				return empty, err
			}
		}
		if err := place.again(ctx, try, collision(writes, conflict)); err != nil {
			return empty, err
		}
	}
	return empty, contended()
}

// orFirst returns the outcome of a request that was carried out while it was
// being refused: made twice at once, it may have met what it had itself done.
// Otherwise it returns the refusal.
func orFirst[M proto.Message](ctx context.Context, n *Namespace, r request, empty M, refusal error) (M, error) {
	first, err := n.outcome(ctx, r)
	if err != nil || first == nil {
		return empty, refusal
	}
	return empty, proto.Unmarshal(first.GetResponse(), empty)
}

// pause waits a moment that grows and is never the same, so that callers who
// collided do not collide again. The first repetition follows at once.
func pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return ctx.Err()
	}
	limit := min(time.Millisecond<<min(attempt, 6), 50*time.Millisecond)
	timer := time.NewTimer(rand.N(limit)) //nolint:gosec // jitter needs no secrecy
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
