package namespace_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/namespace"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// overtaken is a table before whose next commit something else happens.
type overtaken struct {
	table.Table
	next atomic.Pointer[func()]
}

func (o *overtaken) Commit(ctx context.Context, writes []table.Write) error {
	if first := o.next.Swap(nil); first != nil {
		(*first)()
	}
	return o.Table.Commit(ctx, writes)
}

// leaver is somebody with the role of an owner, and how it is taken from him.
type leaver struct {
	ctx    context.Context
	revoke func()
	want   errorsv1.Reason
}

func (w *world) leavers() map[string]leaver {
	member := func(name string, change func(m *metadatav1.Member) error, want errorsv1.Reason) leaver {
		m := w.invite(testSpace, name, metadatav1.Member_OWNER)
		return leaver{access.With(w.t.Context(), access.Principal{ID: name, Kind: access.KindUser}), func() {
			if err := change(m); err != nil {
				w.t.Error(err)
			}
		}, want}
	}
	k, hash := w.key(&metadatav1.Key{Scope: metadatav1.Key_OWN})
	bearer, err := w.KeyBearer(w.ctx, hash)
	if err != nil {
		w.t.Fatal(err)
	}
	return map[string]leaver{
		"removed": member("user:removed", func(m *metadatav1.Member) error {
			_, err := w.DeleteMember(w.ctx, &metadatav1.DeleteMemberRequest{Name: m.GetName()})
			return err
		}, errorsv1.Reason_REASON_NOT_FOUND),
		"lowered": member("user:lowered", func(m *metadatav1.Member) error {
			m.Role = metadatav1.Member_READER
			_, err := w.UpdateMember(w.ctx, &metadatav1.UpdateMemberRequest{Member: m})
			return err
		}, errorsv1.Reason_REASON_PERMISSION_DENIED),
		"key revoked": {access.With(w.t.Context(), bearer), func() {
			if _, err := w.DeleteKey(w.ctx, &metadatav1.DeleteKeyRequest{Name: k.GetName()}); err != nil {
				w.t.Error(err)
			}
		}, errorsv1.Reason_REASON_UNAUTHENTICATED},
	}
}

// What gives others access does not come after the end of one's own, not even when
// that comes between the check of the role and the commit.
func TestAccessGivenOnTheWayOut(t *testing.T) {
	for _, who := range []string{"removed", "lowered", "key revoked"} {
		for name, give := range map[string]func(ctx context.Context, w *world, f *metadatav1.File, s *metadatav1.Share, m *metadatav1.Member) error{
			"CreateMember": func(ctx context.Context, w *world, _ *metadatav1.File, _ *metadatav1.Share, _ *metadatav1.Member) error {
				_, err := w.CreateMember(ctx, &metadatav1.CreateMemberRequest{
					Parent: parent, Member: &metadatav1.Member{Principal: "user:second", Role: metadatav1.Member_OWNER},
				})
				return err
			},
			"UpdateMember": func(ctx context.Context, w *world, _ *metadatav1.File, _ *metadatav1.Share, m *metadatav1.Member) error {
				m.Role = metadatav1.Member_OWNER
				_, err := w.UpdateMember(ctx, &metadatav1.UpdateMemberRequest{Member: m})
				return err
			},
			"CreateKey": func(ctx context.Context, w *world, _ *metadatav1.File, _ *metadatav1.Share, _ *metadatav1.Member) error {
				_, err := w.CreateKey(ctx, &metadatav1.CreateKeyRequest{Parent: parent, Key: &metadatav1.Key{Scope: metadatav1.Key_OWN}})
				return err
			},
			"CreateShare": func(ctx context.Context, w *world, f *metadatav1.File, _ *metadatav1.Share, _ *metadatav1.Member) error {
				_, err := w.CreateShare(ctx, &metadatav1.CreateShareRequest{Parent: parent, Share: &metadatav1.Share{File: f.GetName()}})
				return err
			},
			"UpdateShare": func(ctx context.Context, w *world, _ *metadatav1.File, s *metadatav1.Share, _ *metadatav1.Member) error {
				s.ExpireTime = timestamppb.New(w.clock.Now().Add(1000 * time.Hour))
				_, err := w.UpdateShare(ctx, &metadatav1.UpdateShareRequest{Share: s})
				return err
			},
		} {
			t.Run(who+"/"+name, func(t *testing.T) {
				base := newWorld(t)
				store := &overtaken{Table: base.table}
				w := openWorld(t, store, base.clock)
				f := w.put("/f", "x")
				s, err := w.CreateShare(w.ctx, &metadatav1.CreateShareRequest{Parent: parent, Share: &metadatav1.Share{File: f.GetName()}})
				if err != nil {
					t.Fatal(err)
				}
				m := w.invite(testSpace, "user:friend", metadatav1.Member_READER)
				gone := w.leavers()[who]
				var after map[string]bool
				first := func() { gone.revoke(); after = w.items() }
				store.next.Store(&first)
				if err := give(gone.ctx, w, f, s, m); fault.ReasonOf(err) != gone.want {
					t.Errorf("got %v, want %v", err, gone.want)
				}
				if got := w.items(); len(got) != len(after) {
					t.Errorf("%d records, want %d", len(got), len(after))
				}
			})
		}
	}
}

// A request that has been going on for long brings in nothing more once he who
// makes it may not write.
func TestUploadAfterRevocation(t *testing.T) {
	for _, who := range []string{"removed", "lowered", "key revoked"} {
		t.Run(who, func(t *testing.T) {
			w := newWorld(t)
			admin, gone := w.ctx, w.leavers()[who]
			w.ctx = gone.ctx
			h, err := w.take(w.mustOpen(toPath("/f")), 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.keep("while he may", 0, true); err != nil {
				t.Fatal(err)
			}
			begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/g")})
			if err != nil {
				t.Fatal(err)
			}
			w.ctx = admin
			gone.revoke()
			if err := h.keep("and when he may not", 0, true); fault.ReasonOf(err) != gone.want {
				t.Errorf("KeepExtents: %v, want %v", err, gone.want)
			}
			if _, err := h.finish(); fault.ReasonOf(err) != gone.want {
				t.Errorf("FinishUpload: %v, want %v", err, gone.want)
			}
			if _, err := w.Extend(w.ctx, &ledgerv1.ExtendRequest{Grant: begun.GetGrant()}); fault.ReasonOf(err) != gone.want {
				t.Errorf("Extend: %v, want %v", err, gone.want)
			}
		})
	}
}

// Nobody tells when a right ends that a token claims, so what is signed by it does
// not last long.
func TestSignedByAClaim(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "x")
	w.invite(testSpace, "group:staff", metadatav1.Member_READER)
	w.invite(testSpace, "user:ann", metadatav1.Member_READER)
	user := func(name string, administrator bool) access.Principal {
		return access.Principal{ID: "user:" + name, Kind: access.KindUser, Groups: []string{"staff"}, Administrator: administrator}
	}
	for name, row := range map[string]struct {
		who  access.Principal
		long bool
	}{
		"member":                   {user("ann", false), true},
		"member of a group":        {user("bob", false), false},
		"administrator":            {user("root", true), false},
		"member and administrator": {user("ann", true), true},
		"everybody in open mode":   {access.Anonymous, true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, d := range []time.Duration{time.Hour, time.Hour + time.Second, 7 * 24 * time.Hour} {
				_, err := w.SignFile(access.With(t.Context(), row.who), &metadatav1.SignFileRequest{
					Name: f.GetName(), ExpireTime: timestamppb.New(w.clock.Now().Add(d)),
				})
				if may := row.long || d == time.Hour; may != (err == nil) || !may && !errors.Is(err, fault.Invalid) {
					t.Errorf("for %v: %v", d, err)
				}
			}
		})
	}
}

// What was begun in open mode ends with it.
func TestOpenModeEnds(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "x")
	signed, err := w.SignFile(w.ctx, &metadatav1.SignFileRequest{Name: f.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/g")})
	if err != nil {
		t.Fatal(err)
	}
	after := openConfigured(t, w.table, w.clock, func(c *namespace.Config) { c.Identified = true })
	_, err = after.LocateShared(t.Context(), &ledgerv1.LocateSharedRequest{
		Source: &ledgerv1.LocateSharedRequest_Signed{Signed: strings.TrimPrefix(signed.GetUri(), "/d/")},
	})
	if !errors.Is(err, fault.NotFound) {
		t.Errorf("a link: %v", err)
	}
	if _, err := after.Commit(after.ctx, w.store(begun, "x")); fault.ReasonOf(err) != errorsv1.Reason_REASON_UNAUTHENTICATED {
		t.Errorf("an upload: %v", err)
	}
}
