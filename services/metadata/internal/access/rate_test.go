package access

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/throttle"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// bearers are people who bear their name, and members of nothing.
type bearers struct{ asked int }

func (*bearers) Authenticate(_ context.Context, authorization string) (Principal, error) {
	return Principal{ID: UserPrefix + authorization, Kind: KindUser}, nil
}

func (b *bearers) RoleIn(context.Context, string, []string) (Role, error) {
	b.asked++
	return Owner, nil
}

// throttled is a dispatcher that lets everybody write twice and read thrice.
type throttled struct {
	t      *testing.T
	people *bearers
	now    time.Time
	Dispatcher
}

func newThrottled(t *testing.T) *throttled {
	d := &throttled{t: t, people: new(bearers), now: time.Unix(1000, 0)}
	clock := func() time.Time { return d.now }
	d.Dispatcher = Dispatcher{Authenticator: d.people, Members: d.people, Rates: Rates{
		Reads:  throttle.NewPace("reader", throttle.Limit{Rate: 1, Burst: 3}, clock),
		Writes: throttle.NewPace("writer", throttle.Limit{Rate: 0.5, Burst: 2}, clock),
	}}
	return d
}

// call makes a call of somebody from an address, and returns when to come back.
func (d *throttled) call(door grpc.UnaryServerInterceptor, who, address, method string, req any) (time.Duration, bool) {
	d.t.Helper()
	ctx := caller.With(d.t.Context(), caller.Caller{Authorization: who, Address: address})
	_, err := door(ctx, req, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) { return nil, nil })
	if err == nil {
		return 0, true
	}
	var refused *fault.Error
	if !errors.As(err, &refused) || refused.Reason != errorsv1.Reason_REASON_RATE_LIMITED {
		d.t.Fatalf("%s by %s: %v", method, who, err)
	}
	return refused.RetryAfter, false
}

const elsewhere = "192.0.2.1"

func (d *throttled) read(who, address string) (time.Duration, bool) {
	return d.call(d.Public(), who, address, metadatav1.FileService_GetFile_FullMethodName, &metadatav1.GetFileRequest{Name: "spaces/team/files/f"})
}

func (d *throttled) write(who, address string) (time.Duration, bool) {
	return d.call(d.Public(), who, address, metadatav1.FileService_DeleteFile_FullMethodName, &metadatav1.DeleteFileRequest{Name: "spaces/team/files/f"})
}

// A principal has so many reads and so many writes, whichever door he takes and
// wherever he is, and others have theirs.
func TestRatesOfPrincipals(t *testing.T) {
	d := newThrottled(t)
	ledger := d.Ledger(func(context.Context) error { return nil })
	locate := func(who string) (time.Duration, bool) {
		return d.call(ledger, who, "198.51.100.1", ledgerv1.LedgerService_Locate_FullMethodName,
			&ledgerv1.LocateRequest{Source: &ledgerv1.LocateRequest_File{File: "spaces/team/files/f"}})
	}
	for i, call := range []func() (time.Duration, bool){
		func() (time.Duration, bool) { return d.read("ann", elsewhere) },
		func() (time.Duration, bool) { return d.read("ann", "2001:db8::1") },
		func() (time.Duration, bool) { return locate("ann") },
		func() (time.Duration, bool) { return d.write("ann", elsewhere) },
		func() (time.Duration, bool) { return d.write("ann", "") },
	} {
		if _, ok := call(); !ok {
			t.Errorf("call %d within the bounds is refused", i)
		}
	}
	asked := d.people.asked
	if wait, ok := locate("ann"); ok || wait != time.Second {
		t.Errorf("a fourth read: %v, come back in %v", ok, wait)
	}
	wait, ok := d.write("ann", elsewhere)
	if ok || wait != 2*time.Second {
		t.Errorf("a third write: %v, come back in %v", ok, wait)
	}
	if d.people.asked != asked {
		t.Error("roles are looked up of calls that come too often")
	}
	if _, ok := d.write("eve", elsewhere); !ok {
		t.Error("another principal is refused")
	}
	d.now = d.now.Add(wait)
	if _, ok := d.write("ann", elsewhere); !ok {
		t.Error("refused after the time that was told")
	}
	if _, ok := d.write("ann", elsewhere); ok {
		t.Error("two writes after the time for one")
	}
}

// What nobody is bounded in: callers on this machine, and calls that no identity
// is asked for. In open mode all are anonymous, and nobody is bounded either.
func TestWhoIsNotPaced(t *testing.T) {
	d := newThrottled(t)
	for range 10 {
		for _, here := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1"} {
			if _, ok := d.write("ann", here); !ok {
				t.Fatalf("refused at %s", here)
			}
		}
		if _, ok := d.call(d.Public(), "ann", elsewhere, metadatav1.ShareService_OpenShare_FullMethodName, new(metadatav1.OpenShareRequest)); !ok {
			t.Fatal("refused by a link")
		}
	}
	d.Authenticator = nil
	for range 10 {
		if _, ok := d.read("", ""); !ok {
			t.Fatal("refused in open mode")
		}
	}
}
