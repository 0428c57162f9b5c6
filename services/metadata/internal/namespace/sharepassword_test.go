package namespace_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
)

// tryFrom tries a password of a link from an address.
func (w *world) tryFrom(address string, share *metadatav1.Share, password string) errorsv1.Reason {
	_, err := w.OpenShare(caller.With(w.ctx, caller.Caller{Address: address}), &metadatav1.OpenShareRequest{
		Token: share.GetToken(), Password: password,
	})
	return reasonOf(err)
}

// wantTry tries a password of a link from an address, which must come to reason.
func (w *world) wantTry(address string, share *metadatav1.Share, password string, reason errorsv1.Reason) {
	w.t.Helper()
	if got := w.tryFrom(address, share, password); got != reason {
		w.t.Errorf("%q from %s: %v, want %v", password, address, got, reason)
	}
}

const (
	passed  = errorsv1.Reason_REASON_UNSPECIFIED
	wrong   = errorsv1.Reason_REASON_UNAUTHENTICATED
	tooMany = errorsv1.Reason_REASON_RATE_LIMITED
)

// Who has a link and guesses, at once or for long, is refused himself, and locks
// the password for nobody else.
func TestGuessesFromOneAddressLockNobodyOut(t *testing.T) {
	w := newWorld(t)
	w.HashCheaply()
	made := w.share(&metadatav1.Share{File: w.put("/f", "x").GetName(), Password: "right"})
	for range 5 {
		w.wantTry("192.0.2.1", made, "guess", wrong)
	}
	for range 40 {
		w.wantTry("192.0.2.1", made, "guess", tooMany)
	}
	w.wantTry("192.0.2.2", made, "right", passed)
	for range 20 {
		w.clock.Advance(10 * time.Second)
		w.tryFrom("192.0.2.1", made, "guess")
	}
	w.wantTry("192.0.2.1", made, "right", tooMany)
	w.wantTry("192.0.2.2", made, "right", passed)
}

// Wrong passwords of one share are bounded in total, from however many addresses
// they come: ten at once, and then one in ten seconds. Tries that the bound of an
// address refuses leave the others theirs.
func TestGuessesFromManyAddresses(t *testing.T) {
	w := newWorld(t)
	w.HashCheaply()
	made := w.share(&metadatav1.Share{File: w.put("/f", "x").GetName(), Password: "right"})
	guess := func(addresses, times int) (judged int) {
		t.Helper()
		for i := range addresses * times {
			address := fmt.Sprintf("2001:db8:0:%x::1", i%addresses)
			switch got := w.tryFrom(address, made, "guess"); got {
			case wrong:
				judged++
			case tooMany:
			default:
				t.Errorf("a guess from %s: %v", address, got)
			}
		}
		return judged
	}
	if judged := guess(1, 30); judged != 5 {
		t.Errorf("%d of 30 guesses from one address were judged, want 5", judged)
	}
	if judged := guess(30, 4); judged != 5 {
		t.Errorf("%d of 120 guesses from many addresses were judged after 5 from one, want 5", judged)
	}
	w.clock.Advance(50 * time.Second)
	if judged := guess(30, 4); judged != 5 {
		t.Errorf("%d of 120 guesses were judged in the next 50 s, want 5", judged)
	}
}

// A try that the share's own bound refuses costs the address that made it nothing,
// so that it may go on when others have ceased.
func TestRefusedTriesCostNothing(t *testing.T) {
	w := newWorld(t)
	w.HashCheaply()
	made := w.share(&metadatav1.Share{File: w.put("/f", "x").GetName(), Password: "right"})
	for i := range 10 {
		w.wantTry(fmt.Sprintf("192.0.2.%d", i), made, "guess", wrong)
	}
	for range 40 {
		w.wantTry("198.51.100.1", made, "right", tooMany)
	}
	w.clock.Advance(10 * time.Second)
	w.wantTry("198.51.100.1", made, "right", passed)
}

// Right passwords do not count as tries, so a client that sends the password with
// each request goes on. What their hashes cost is bounded for an address.
func TestRightPasswordsAreNotCounted(t *testing.T) {
	w := newWorld(t)
	w.HashCheaply()
	made := w.share(&metadatav1.Share{File: w.put("/f", "x").GetName(), Password: "right"})
	for range 60 {
		w.wantTry("192.0.2.1", made, "right", passed)
	}
	w.wantTry("192.0.2.1", made, "right", tooMany)
	w.clock.Advance(time.Second)
	for range 5 {
		w.wantTry("192.0.2.1", made, "guess", wrong)
	}
	w.wantTry("192.0.2.1", made, "guess", tooMany)
}

// Setting passwords is bounded for each principal, whichever share he sets them of,
// and what sets none is not.
func TestSettingPasswordsIsPaced(t *testing.T) {
	w := newWorld(t)
	w.HashCheaply()
	made := w.share(&metadatav1.Share{File: w.put("/f", "x").GetName()})
	for _, principal := range []string{"user:ann", "user:ben"} {
		w.invite(testSpace, principal, metadatav1.Member_WRITER)
	}
	set := func(principal, password string) errorsv1.Reason {
		ctx := access.With(w.ctx, access.Principal{ID: principal, Kind: access.KindUser})
		_, err := w.UpdateShare(ctx, &metadatav1.UpdateShareRequest{
			Share: &metadatav1.Share{Name: made.GetName(), Password: password, MaxDownloadCount: 3},
		})
		return reasonOf(err)
	}
	for i := range 10 {
		if got := set("user:ann", "p"); got != passed {
			t.Fatalf("password %d: %v", i, got)
		}
	}
	if got := set("user:ann", "p"); got != tooMany {
		t.Errorf("one too many: %v", got)
	}
	if got := set("user:ann", ""); got != passed {
		t.Errorf("a change without a password: %v", got)
	}
	if got := set("user:ben", "p"); got != passed {
		t.Errorf("another principal: %v", got)
	}
	w.clock.Advance(time.Second)
	if got := set("user:ann", "p"); got != passed {
		t.Errorf("after a second: %v", got)
	}
}

// However many set passwords, who opens a share waits for none of them.
func TestSettingPasswordsHoldsUpNoCheck(t *testing.T) {
	w := newWorld(t)
	w.HashCheaply()
	made := w.share(&metadatav1.Share{File: w.put("/f", "x").GetName(), Password: "right"})
	defer w.OccupySetting()()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	_, err := w.OpenShare(ctx, &metadatav1.OpenShareRequest{Token: made.GetToken(), Password: "right"})
	if err != nil {
		t.Errorf("open while passwords are set: %v", err)
	}
}

// A call that must fail hashes no password and is not counted as one that sets it,
// with a request id or without; one that was carried out is recognised though it
// could not be carried out again.
func TestFailingCallsHashNoPassword(t *testing.T) {
	w := newWorld(t)
	w.HashCheaply()
	file, trashed := w.put("/f", "x").GetName(), w.delete(w.put("/trashed", "x")).GetName()
	made := w.share(&metadatav1.Share{File: file})
	create := func(file, id string) error {
		_, err := w.CreateShare(w.ctx, &metadatav1.CreateShareRequest{
			Parent: parent, RequestId: id, Share: &metadatav1.Share{File: file, Password: "p"},
		})
		return err
	}
	update := func(name, etag, id string) error {
		_, err := w.UpdateShare(w.ctx, &metadatav1.UpdateShareRequest{
			RequestId: id, Share: &metadatav1.Share{Name: name, Etag: etag, Password: "p"},
		})
		return err
	}
	none := "0198f3a2-b4c5-76d8-8000-000000000000"
	before := w.PasswordHashes()
	for _, id := range []string{"", "once"} {
		for name, err := range map[string]error{
			"of a file that is not": create(parent+"/files/"+none, id),
			"of one in the trash":   create(trashed, id),
			"a share that is not":   update(parent+"/shares/"+none, "", id),
			"at another etag":       update(made.GetName(), none, id),
			"with a bad id":         update(made.GetName(), "", "not one"),
		} {
			if err == nil || fault.ReasonOf(err) == tooMany {
				t.Errorf("%s, request id %q: %v", name, id, err)
			}
		}
	}
	if made := w.PasswordHashes() - before; made != 0 {
		t.Errorf("calls that failed made %d hashes", made)
	}
	for range 2 {
		if err := update(made.GetName(), made.GetEtag(), "twice"); err != nil {
			t.Errorf("a request and its repetition: %v", err)
		}
	}
	if got := reasonOf(update(made.GetName(), made.GetEtag(), "thrice")); got != errorsv1.Reason_REASON_PRECONDITION_FAILED {
		t.Errorf("another request at the old etag: %v", got)
	}
}
