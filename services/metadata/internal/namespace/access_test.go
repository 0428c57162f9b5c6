package namespace_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/apikey"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// counting counts the reads of a table.
type counting struct {
	table.Table
	reads atomic.Int64
}

func (c *counting) Get(ctx context.Context, key table.Key) (table.Item, error) {
	c.reads.Add(1)
	return c.Table.Get(ctx, key)
}

func (c *counting) Query(ctx context.Context, q table.Query) (table.Page, error) {
	c.reads.Add(1)
	return c.Table.Query(ctx, q)
}

func (w *world) invite(space, principal string, role metadatav1.Member_Role) *metadatav1.Member {
	w.t.Helper()
	m, err := w.CreateMember(w.ctx, &metadatav1.CreateMemberRequest{
		Parent: "spaces/" + space, Member: &metadatav1.Member{Principal: principal, Role: role},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) role(space string, names ...string) access.Role {
	w.t.Helper()
	role, err := w.RoleIn(w.ctx, space, names)
	if err != nil {
		w.t.Fatal(err)
	}
	return role
}

func TestRolesAreTheStrongestAndLive(t *testing.T) {
	w := newWorld(t)
	names := []string{"user:ann", "group:a", "group:b"}
	if got := w.role(testSpace, names...); got != access.None {
		t.Fatalf("a stranger has role %v", got)
	}
	w.invite(testSpace, "group:a", metadatav1.Member_READER)
	chief := w.invite(testSpace, "group:b", metadatav1.Member_OWNER)
	w.invite(testSpace, "user:ann", metadatav1.Member_WRITER)
	for range 2 {
		if got := w.role(testSpace, names...); got != access.Owner {
			t.Fatalf("got %v", got)
		}
	}
	chief.Role = metadatav1.Member_READER
	if _, err := w.UpdateMember(w.ctx, &metadatav1.UpdateMemberRequest{Member: chief}); err != nil {
		t.Fatal(err)
	}
	if got := w.role(testSpace, names...); got != access.Writer {
		t.Errorf("after the change: %v", got)
	}
	if got := w.role("other", names...); got != access.None {
		t.Errorf("in another space: %v", got)
	}
	_, err := w.UpdateMember(w.ctx, &metadatav1.UpdateMemberRequest{Member: chief}) // its etag is old
	if !errors.Is(err, fault.Precondition) {
		t.Errorf("with an old etag: %v", err)
	}
}

// A role costs one read when it is known, and none at all as many as where
// there is no space, so that the two can't be told apart.
func TestWhatARoleCosts(t *testing.T) {
	w := newWorld(t)
	counted := &counting{Table: w.table}
	w = openWorld(t, counted, w.clock)
	w.invite(testSpace, "user:ann", metadatav1.Member_READER)
	reads := func(space string, names ...string) int64 {
		before := counted.reads.Load()
		w.role(space, names...)
		return counted.reads.Load() - before
	}
	reads(testSpace, "user:ann")
	if got := reads(testSpace, "user:ann"); got != 1 {
		t.Errorf("a known role costs %d reads, want 1", got)
	}
	for _, names := range [][]string{{"user:eve"}, {"user:eve", "group:a", "group:b"}} {
		for range 2 {
			hidden, none := reads(testSpace, names...), reads("none", names...)
			if hidden != none {
				t.Errorf("%v: %d reads where the space is hidden, %d where there is none", names, hidden, none)
			}
		}
	}
}

func TestMembersThatCannotBe(t *testing.T) {
	w := newWorld(t)
	w.invite(testSpace, "user:ann", metadatav1.Member_READER)
	for name, m := range map[string]*metadatav1.Member{
		"twice":     {Principal: "user:ann", Role: metadatav1.Member_OWNER},
		"nobody":    {Role: metadatav1.Member_READER},
		"no kind":   {Principal: "ann", Role: metadatav1.Member_READER},
		"no name":   {Principal: "user:", Role: metadatav1.Member_READER},
		"a key":     {Principal: "key:default/x", Role: metadatav1.Member_READER},
		"two lines": {Principal: "user:a\nb", Role: metadatav1.Member_READER},
		"long":      {Principal: "user:" + strings.Repeat("a", 256), Role: metadatav1.Member_READER},
		"no role":   {Principal: "user:bob"},
		"new role":  {Principal: "user:bob", Role: 7},
	} {
		_, err := w.CreateMember(w.ctx, &metadatav1.CreateMemberRequest{Parent: parent, Member: m})
		want := fault.Invalid
		if name == "twice" {
			want = fault.Exists
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"spaces/default/members/x", "spaces/default/members/" + strings.Repeat("A", 32), "spaces/nope/members/" + strings.Repeat("a", 32)} {
		if _, err := w.GetMember(w.ctx, &metadatav1.GetMemberRequest{Name: name}); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list of spaces shows those that somebody has a role in, by whatever name,
// each once and in order, on pages of any size.
func TestSpacesOfSomebody(t *testing.T) {
	w := newWorld(t)
	var want []string
	for _, id := range []string{"aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg"} {
		if _, err := w.CreateSpace(w.ctx, &metadatav1.CreateSpaceRequest{SpaceId: id}); err != nil {
			t.Fatal(err)
		}
	}
	for i, id := range []string{"aaa", "ccc", "ddd", "fff", "ggg"} {
		name := []string{"user:ann", "group:a", "group:b"}[i%3]
		w.invite(id, name, metadatav1.Member_READER)
		want = append(want, "spaces/"+id)
	}
	w.invite("ccc", "user:ann", metadatav1.Member_OWNER) // by two names
	gone := w.invite("bbb", "user:ann", metadatav1.Member_OWNER)
	if _, err := w.DeleteMember(w.ctx, &metadatav1.DeleteMemberRequest{Name: gone.GetName()}); err != nil {
		t.Fatal(err)
	}
	list := func(p access.Principal, size int32) []string {
		var got []string
		req := &metadatav1.ListSpacesRequest{PageSize: size}
		for {
			page, err := w.ListSpaces(access.With(t.Context(), p), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.GetSpaces() {
				got = append(got, s.GetName())
			}
			if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
				return got
			}
		}
	}
	ann := access.Principal{ID: "user:ann", Kind: access.KindUser, Groups: []string{"a", "b"}}
	for size := range int32(8) {
		if got := list(ann, size); !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %v, want %v", size, got, want)
		}
	}
	if got := list(access.Principal{ID: "user:eve", Kind: access.KindUser}, 0); len(got) != 0 {
		t.Errorf("a stranger sees %v", got)
	}
	if got := list(access.Principal{ID: "key:x", Kind: access.KindKey, Space: "eee", Role: access.Reader}, 0); !slices.Equal(got, []string{"spaces/eee"}) {
		t.Errorf("a key sees %v", got)
	}
}

// With a space go its members and keys, and a new space of its id has none.
func TestADeletedSpaceLeavesNoAccess(t *testing.T) {
	w := newWorld(t)
	w.invite(testSpace, "user:ann", metadatav1.Member_OWNER)
	_, hash := w.key(&metadatav1.Key{Scope: metadatav1.Key_OWN})
	_, admin := w.key(&metadatav1.Key{Scope: metadatav1.Key_ADMINISTER})
	if p, err := w.KeyBearer(w.ctx, admin); err != nil || !p.Administrator || p.Space != "" {
		t.Fatalf("got %+v, %v", p, err)
	}
	if _, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.role(testSpace, "user:ann"); got != access.None {
		t.Errorf("an owner of what is gone has role %v", got)
	}
	if _, err := w.KeyBearer(w.ctx, admin); fault.ReasonOf(err) != errorsv1.Reason_REASON_UNAUTHENTICATED {
		t.Errorf("the administrator's key of a space that is gone: %v", err)
	}
	for range 3 {
		w.sweep()
		w.clock.Advance(time.Hour)
	}
	if _, err := w.CreateSpace(w.ctx, &metadatav1.CreateSpaceRequest{SpaceId: testSpace}); err != nil {
		t.Fatal(err)
	}
	if got := w.role(testSpace, "user:ann"); got != access.None {
		t.Errorf("an owner of the space before has role %v in the new one", got)
	}
	if _, err := w.KeyBearer(w.ctx, hash); err == nil {
		t.Error("a key of the space before is good for the new one")
	}
	members, err := w.ListMembers(w.ctx, &metadatav1.ListMembersRequest{Parent: parent})
	if err != nil || len(members.GetMembers()) != 0 {
		t.Errorf("got %v, %v", members, err)
	}
}

// A grant is good as long as who got it may still write.
func TestACommitChecksRightsAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		take func(w *world, m *metadatav1.Member)
		want fault.Reason
	}{
		"nothing":       {func(*world, *metadatav1.Member) {}, 0},
		"the role":      {func(w *world, m *metadatav1.Member) { w.dismiss(m) }, errorsv1.Reason_REASON_NOT_FOUND},
		"half the role": {func(w *world, m *metadatav1.Member) { w.demote(m) }, errorsv1.Reason_REASON_PERMISSION_DENIED},
		"time, an hour": {func(w *world, _ *metadatav1.Member) { w.clock.Advance(time.Hour) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.invite(testSpace, "group:a", metadatav1.Member_WRITER)
			ann := access.With(t.Context(), access.Principal{ID: "user:ann", Kind: access.KindUser, Groups: []string{"a"}})
			begun, err := w.Begin(ann, &ledgerv1.BeginRequest{Spec: atPath("/a")})
			if err != nil {
				t.Fatal(err)
			}
			tc.take(w, m)
			_, err = w.Commit(access.With(t.Context(), access.System), w.store(begun, "a"))
			if (err == nil) != (tc.want == 0) || err != nil && fault.ReasonOf(err) != tc.want {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if found, err := w.look("/a"); (err == nil) != (tc.want == 0) {
				t.Errorf("the file is %v, %v", found, err)
			} else if err == nil && found.GetCreator() != "user:ann" {
				t.Errorf("its creator is %s", found.GetCreator())
			}
		})
	}
}

func (w *world) dismiss(m *metadatav1.Member) {
	w.t.Helper()
	if _, err := w.DeleteMember(w.ctx, &metadatav1.DeleteMemberRequest{Name: m.GetName()}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) demote(m *metadatav1.Member) {
	w.t.Helper()
	changed := proto.CloneOf(m)
	changed.Role = metadatav1.Member_READER
	if _, err := w.UpdateMember(w.ctx, &metadatav1.UpdateMemberRequest{Member: changed}); err != nil {
		w.t.Fatal(err)
	}
}

// The first administrator's key is made once.
func TestBootstrap(t *testing.T) {
	w := newWorld(t)
	secret, err := w.Bootstrap(w.ctx, testSpace)
	if err != nil || secret == "" {
		t.Fatalf("got %q, %v", secret, err)
	}
	hash, _ := apikey.Hash(secret)
	if p, err := w.KeyBearer(w.ctx, hash[:]); err != nil || !p.Administrator {
		t.Errorf("got %+v, %v", p, err)
	}
	if again, err := w.Bootstrap(w.ctx, testSpace); err != nil || again != "" {
		t.Errorf("again: %q, %v", again, err)
	}
}
