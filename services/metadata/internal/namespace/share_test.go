package namespace_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

func (w *world) share(s *metadatav1.Share) *metadatav1.Share {
	w.t.Helper()
	made, err := w.CreateShare(w.ctx, &metadatav1.CreateShareRequest{Parent: parent, Share: s})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func (w *world) openLink(token, password, path string) (*metadatav1.OpenShareResponse, error) {
	return w.OpenShare(w.ctx, &metadatav1.OpenShareRequest{Token: token, Password: password, Path: path})
}

func (w *world) follow(target *storagev1.SharedTarget) error {
	_, err := w.LocateShared(w.ctx, &ledgerv1.LocateSharedRequest{
		Source: &ledgerv1.LocateSharedRequest_Shared{Shared: target},
	})
	return err
}

func (w *world) wantNothing(token, why string) {
	w.t.Helper()
	if _, err := w.openLink(token, "", ""); !errors.Is(err, fault.NotFound) {
		w.t.Errorf("open %s: %v, want NOT_FOUND", why, err)
	}
	if err := w.follow(&storagev1.SharedTarget{Token: token}); !errors.Is(err, fault.NotFound) {
		w.t.Errorf("download %s: %v, want NOT_FOUND", why, err)
	}
}

// A link leads to its file until it is revoked, expires, or the file goes to
// the trash, and from then on not for one more request.
func TestShareEnds(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "contents")
	live := w.share(&metadatav1.Share{File: f.GetName()})
	if len(live.GetToken()) != 43 || live.GetUri() != "/s/"+live.GetToken() {
		t.Fatalf("token %q, uri %q", live.GetToken(), live.GetUri())
	}
	got, err := w.openLink(live.GetToken(), "", "")
	if err != nil || got.GetNode().GetDisplayName() != "f" || got.GetNode().GetSizeBytes() != 8 {
		t.Fatalf("open: %v, %v", got, err)
	}
	w.wantNothing("", "the empty token")
	w.wantNothing(live.GetToken()+"A", "a longer token")
	w.wantNothing(strings.ToUpper(live.GetToken()), "another token")

	short := w.share(&metadatav1.Share{File: f.GetName(), ExpireTime: timestamppb.New(w.clock.Now().Add(time.Minute))})
	w.clock.Advance(time.Minute)
	w.wantNothing(short.GetToken(), "after its expiry")

	w.delete(f)
	w.wantNothing(live.GetToken(), "to a file in the trash")
	if _, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: f.GetName()}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.openLink(live.GetToken(), "", ""); err != nil {
		t.Errorf("a file that came back: %v", err)
	}
	if _, err := w.DeleteShare(w.ctx, &metadatav1.DeleteShareRequest{Name: live.GetName()}); err != nil {
		t.Fatal(err)
	}
	w.wantNothing(live.GetToken(), "after its revocation")
	list, err := w.ListShares(w.ctx, &metadatav1.ListSharesRequest{Parent: parent})
	if err != nil || len(list.GetShares()) != 0 {
		t.Errorf("shares left: %v, %v", list, err)
	}
	w.audit()
	if _, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true}); err != nil {
		t.Fatal(err)
	}
}

// The token is nowhere in the records.
func TestShareTokenIsNotStored(t *testing.T) {
	w := newWorld(t)
	made := w.share(&metadatav1.Share{File: w.put("/f", "x").GetName(), Password: "open sesame"})
	secret, err := base64.RawURLEncoding.DecodeString(made.GetToken())
	if err != nil || len(secret) != 32 {
		t.Fatal(secret, err)
	}
	page, err := w.table.Scan(w.ctx, "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range page.Items {
		all := item.Key.Partition + item.Key.Sort + item.Tag + string(item.Value)
		for _, bad := range []string{made.GetToken(), string(secret), "open sesame"} {
			if strings.Contains(all, bad) {
				t.Errorf("record %s/%s holds a secret", item.Key.Partition, item.Key.Sort)
			}
		}
	}
}

// As many downloads as are allowed pass, however many ask at once; looking is
// free.
func TestShareDownloadLimit(t *testing.T) {
	w := newWorld(t)
	made := w.share(&metadatav1.Share{File: w.put("/f", "x").GetName(), MaxDownloadCount: 7})
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			switch err := w.follow(&storagev1.SharedTarget{Token: made.GetToken()}); {
			case err == nil:
				passed.Add(1)
			case !errors.Is(err, fault.NotFound):
				t.Error(err)
			}
		})
	}
	all.Wait()
	found, err := w.GetShare(w.ctx, &metadatav1.GetShareRequest{Name: made.GetName()})
	if passed.Load() != 7 || err != nil || found.GetDownloadCount() != 7 || found.GetToken() != "" {
		t.Errorf("%d downloads passed, %v, %v", passed.Load(), found, err)
	}
	if _, err := w.UpdateShare(w.ctx, &metadatav1.UpdateShareRequest{
		Share: &metadatav1.Share{Name: made.GetName(), MaxDownloadCount: 8},
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.follow(&storagev1.SharedTarget{Token: made.GetToken()}); err != nil {
		t.Errorf("under a higher bound: %v", err)
	}
}

// A password is asked for on every way in, may be tried a few times, and a
// ticket stands for it as long as it is the same.
func TestSharePassword(t *testing.T) {
	w := newWorld(t)
	made := w.share(&metadatav1.Share{File: w.put("/f", "x").GetName(), Password: "right"})
	other := w.share(&metadatav1.Share{File: w.put("/g", "x").GetName(), Password: "right"})
	want := func(reason errorsv1.Reason, err error) {
		t.Helper()
		if fault.ReasonOf(err) != reason {
			t.Errorf("%v, want %v", err, reason)
		}
	}
	_, err := w.openLink(made.GetToken(), "", "")
	want(errorsv1.Reason_REASON_UNAUTHENTICATED, err)
	want(errorsv1.Reason_REASON_UNAUTHENTICATED, w.follow(&storagev1.SharedTarget{Token: made.GetToken()}))
	got, err := w.openLink(made.GetToken(), "right", "")
	if err != nil {
		t.Fatal(err)
	}
	ticket := got.GetTicket()
	if err := w.follow(&storagev1.SharedTarget{Token: made.GetToken(), Ticket: ticket}); err != nil {
		t.Errorf("by the ticket: %v", err)
	}
	want(errorsv1.Reason_REASON_UNAUTHENTICATED, w.follow(&storagev1.SharedTarget{Token: other.GetToken(), Ticket: ticket}))
	forged := append([]byte(nil), ticket...)
	forged[0] ^= 1
	want(errorsv1.Reason_REASON_UNAUTHENTICATED, w.follow(&storagev1.SharedTarget{Token: made.GetToken(), Ticket: forged}))

	refused := errorsv1.Reason_REASON_UNSPECIFIED
	for range 12 {
		_, err := w.openLink(made.GetToken(), "wrong", "")
		refused = fault.ReasonOf(err)
	}
	if refused != errorsv1.Reason_REASON_RATE_LIMITED {
		t.Errorf("the twelfth wrong password: %v, want RATE_LIMITED", refused)
	}
	_, err = w.openLink(made.GetToken(), "right", "")
	want(errorsv1.Reason_REASON_RATE_LIMITED, err)
	if err := w.follow(&storagev1.SharedTarget{Token: made.GetToken(), Ticket: ticket}); err != nil {
		t.Errorf("who was let in before is stopped by those who guess: %v", err)
	}
	w.clock.Advance(10 * time.Second)
	if _, err = w.openLink(made.GetToken(), "right", ""); err != nil {
		t.Errorf("after a while: %v", err)
	}
	if _, err := w.UpdateShare(w.ctx, &metadatav1.UpdateShareRequest{
		Share: &metadatav1.Share{Name: made.GetName(), Password: "right"},
	}); err != nil {
		t.Fatal(err)
	}
	want(errorsv1.Reason_REASON_UNAUTHENTICATED, w.follow(&storagev1.SharedTarget{Token: made.GetToken(), Ticket: ticket}))
}

// How long an answer takes tells nothing of a password, nor of what became of a
// link: one hash is made for each guess at a link that asks for a password, however
// much of it is right, and none for a link that leads nowhere, whether it was
// revoked, has expired or never was. Reads of the table are as many.
func TestWorkOfAGuess(t *testing.T) {
	w := newWorld(t)
	counted := &counting{Table: w.table}
	w = openWorld(t, counted, w.clock)
	file := w.put("/f", "x").GetName()
	work := func(token, password string) (hashes, reads int64) {
		t.Helper()
		w.clock.Advance(time.Hour) // so that no guess is one too many
		before, read := w.PasswordHashes(), counted.reads.Load()
		_, _ = w.openLink(token, password, "") // only its price is looked at
		return w.PasswordHashes() - before, counted.reads.Load() - read
	}
	right := strings.Repeat("p", 32)
	made := w.share(&metadatav1.Share{File: file, Password: right})
	_, readsOfWrong := work(made.GetToken(), "wrong")
	for _, password := range []string{"x", "p", right[:31], right + "p", right[:31] + "x", "x" + right[1:], strings.Repeat("x", 128)} {
		if hashes, reads := work(made.GetToken(), password); hashes != 1 || reads != readsOfWrong {
			t.Errorf("a wrong password of %d bytes: %d hashes, %d reads, want 1 and %d", len(password), hashes, reads, readsOfWrong)
		}
	}
	if hashes, _ := work(made.GetToken(), right); hashes != 1 {
		t.Errorf("the right password: %d hashes", hashes)
	}
	for _, password := range []string{"", strings.Repeat("p", 129), strings.Repeat("p", 1<<20)} {
		if hashes, _ := work(made.GetToken(), password); hashes != 0 {
			t.Errorf("what can be no password: %d hashes", hashes)
		}
	}
	revoked := w.share(&metadatav1.Share{File: file, Password: right})
	if _, err := w.DeleteShare(w.ctx, &metadatav1.DeleteShareRequest{Name: revoked.GetName()}); err != nil {
		t.Fatal(err)
	}
	gone := w.share(&metadatav1.Share{File: file, Password: right, ExpireTime: timestamppb.New(w.clock.Now().Add(time.Minute))})
	w.clock.Advance(time.Minute)
	w.sweep()
	hashes, reads := work(strings.Repeat("A", 43), right)
	if hashes != 0 {
		t.Errorf("a link that never was: %d hashes", hashes)
	}
	for name, token := range map[string]string{"revoked": revoked.GetToken(), "expired": gone.GetToken()} {
		for _, password := range []string{"", "wrong", right} {
			if gotHashes, gotReads := work(token, password); gotHashes != hashes || gotReads != reads {
				t.Errorf("a link that was %s: %d hashes, %d reads; one that never was: %d, %d", name, gotHashes, gotReads, hashes, reads)
			}
		}
	}
}

// A path within a shared folder leads down and nowhere else.
func TestSharedFolder(t *testing.T) {
	w := newWorld(t)
	w.put("/top/secret", "no")
	w.put("/top/shared/a", "yes")
	w.put("/top/shared/deep/b", "yes")
	made := w.share(&metadatav1.Share{File: w.must("/top/shared").GetName()})
	got, err := w.openLink(made.GetToken(), "", "")
	if err != nil || len(got.GetEntries()) != 2 || got.GetEntries()[0].GetDisplayName() != "a" {
		t.Fatalf("%v, %v", got, err)
	}
	if err := w.follow(&storagev1.SharedTarget{Token: made.GetToken(), Path: "deep/b"}); err != nil {
		t.Error(err)
	}
	for _, path := range []string{
		"..", "../secret", "deep/../../secret", "./a", "/top/secret", "top/secret", "secret", "a/b", "deep//b", "deep/b/",
		"%2e%2e/secret", "..\\secret", "deep/\x00", w.must("/top/secret").GetName(), "root", "\u202e..",
	} {
		if path == "deep/b/" {
			continue
		}
		err := w.follow(&storagev1.SharedTarget{Token: made.GetToken(), Path: path})
		if !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Invalid) {
			t.Errorf("path %q: %v", path, err)
		}
	}
	page, err := w.OpenShare(w.ctx, &metadatav1.OpenShareRequest{Token: made.GetToken(), PageSize: 1})
	if err != nil || len(page.GetEntries()) != 1 || page.GetNextPageToken() == "" {
		t.Fatalf("%v, %v", page, err)
	}
	next, err := w.OpenShare(w.ctx, &metadatav1.OpenShareRequest{Token: made.GetToken(), PageToken: page.GetNextPageToken()})
	if err != nil || len(next.GetEntries()) != 1 || next.GetEntries()[0].GetDisplayName() != "deep" {
		t.Errorf("%v, %v", next, err)
	}
	_, err = w.OpenShare(w.ctx, &metadatav1.OpenShareRequest{
		Token: made.GetToken(), Path: "deep", PageToken: page.GetNextPageToken(),
	})
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("the page token of another folder: %v", err)
	}
	w.delete(w.must("/top"))
	w.wantNothing(made.GetToken(), "to a folder in a folder in the trash")
}

// What is kept of a request with a password is no quick way to it: the request is
// recognised, one with another password is another, and its fingerprint is not the
// plain hash of the message.
func TestRequestsWithPasswords(t *testing.T) {
	w := newWorld(t)
	w.HashCheaply()
	file := w.put("/f", "x").GetName()
	ask := func(password string) (*metadatav1.Share, error) {
		return w.CreateShare(w.ctx, &metadatav1.CreateShareRequest{
			Parent: parent, RequestId: "once", Share: &metadatav1.Share{File: file, Password: password},
		})
	}
	before := w.PasswordHashes()
	first, err := ask("open sesame")
	if err != nil {
		t.Fatal(err)
	}
	if w.PasswordHashes() != before+1 {
		t.Errorf("%d slow hashes, want one of the share and the request", w.PasswordHashes()-before)
	}
	if got, err := w.openLink(first.GetToken(), "open sesame", ""); err != nil {
		t.Errorf("by the password: %v, %v", got, err)
	}
	again, err := ask("open sesame")
	if err != nil || again.GetName() != first.GetName() || again.GetToken() != "" {
		t.Errorf("repeated: %v, %v", again, err)
	}
	if _, err := ask("open barley"); fault.ReasonOf(err) != errorsv1.Reason_REASON_REQUEST_ID_REUSED {
		t.Errorf("with another password: %v", err)
	}
	plain := &metadatav1.CreateShareRequest{Parent: parent, Share: &metadatav1.Share{File: file, Password: "open sesame"}}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(append([]byte("holdfast.metadata.v1.CreateShareRequest\x00"), wire...))
	for _, item := range w.all() {
		if strings.Contains(string(item.Value), string(sum[:])) {
			t.Errorf("record %s/%s holds the plain hash of a message with a password", item.Key.Partition, item.Key.Sort)
		}
	}
}
