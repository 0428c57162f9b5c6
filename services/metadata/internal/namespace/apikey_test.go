package namespace_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/apikey"
)

func (w *world) key(k *metadatav1.Key) (*metadatav1.Key, []byte) {
	w.t.Helper()
	made, err := w.CreateKey(w.ctx, &metadatav1.CreateKeyRequest{Parent: parent, Key: k})
	if err != nil {
		w.t.Fatal(err)
	}
	hash, ok := apikey.Hash(made.GetSecret())
	if !ok {
		w.t.Fatalf("the secret is %q", made.GetSecret())
	}
	return made, hash[:]
}

func TestKeysLiveAndDie(t *testing.T) {
	w := newWorld(t)
	expires := timestamppb.New(w.clock.Now().Add(time.Hour))
	made, hash := w.key(&metadatav1.Key{Scope: metadatav1.Key_WRITE, ExpireTime: expires, DisplayName: "ci"})
	p, err := w.KeyBearer(w.ctx, hash)
	if err != nil || p.Space != testSpace || p.Role != access.Writer || p.Administrator || p.Kind != access.KindKey {
		t.Fatalf("got %+v, %v", p, err)
	}
	w.clock.Advance(time.Hour)
	if _, err := w.KeyBearer(w.ctx, hash); fault.ReasonOf(err) != errorsv1.Reason_REASON_UNAUTHENTICATED {
		t.Errorf("an expired key: %v", err)
	}
	_, hash = w.key(&metadatav1.Key{Scope: metadatav1.Key_READ})
	listed, err := w.ListKeys(w.ctx, &metadatav1.ListKeysRequest{Parent: parent, PageSize: 1})
	if err != nil || len(listed.GetKeys()) != 1 || listed.GetKeys()[0].GetName() != made.GetName() ||
		listed.GetKeys()[0].GetSecret() != "" || listed.GetNextPageToken() == "" {
		t.Fatalf("got %v, %v", listed, err)
	}
	listed, err = w.ListKeys(w.ctx, &metadatav1.ListKeysRequest{Parent: parent, PageSize: 1, PageToken: listed.GetNextPageToken()})
	if err != nil || len(listed.GetKeys()) != 1 || listed.GetNextPageToken() != "" {
		t.Fatalf("got %v, %v", listed, err)
	}
	if _, err := w.DeleteKey(w.ctx, &metadatav1.DeleteKeyRequest{Name: listed.GetKeys()[0].GetName()}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.KeyBearer(w.ctx, hash); fault.ReasonOf(err) != errorsv1.Reason_REASON_UNAUTHENTICATED {
		t.Errorf("a revoked key: %v", err)
	}
	for name, k := range map[string]*metadatav1.Key{
		"no scope": {}, "in the past": {Scope: metadatav1.Key_READ, ExpireTime: timestamppb.New(w.clock.Now())},
		"two lines": {Scope: metadatav1.Key_READ, DisplayName: "a\nb"},
	} {
		if _, err := w.CreateKey(w.ctx, &metadatav1.CreateKeyRequest{Parent: parent, Key: k}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of a secret nothing is stored but its hash, also not where outcomes are kept.
func TestSecretsAreNotStored(t *testing.T) {
	w := newWorld(t)
	made, err := w.CreateKey(w.ctx, &metadatav1.CreateKeyRequest{
		Parent: parent, RequestId: "once", Key: &metadatav1.Key{Scope: metadatav1.Key_OWN},
	})
	if err != nil || made.GetSecret() == "" {
		t.Fatalf("got %v, %v", made, err)
	}
	page, err := w.table.Scan(t.Context(), "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range page.Items {
		if strings.Contains(string(item.Value)+item.Key.Partition+item.Key.Sort, made.GetSecret()[3:]) {
			t.Errorf("the secret is in %v", item.Key)
		}
	}
	again, err := w.CreateKey(w.ctx, &metadatav1.CreateKeyRequest{
		Parent: parent, RequestId: "once", Key: &metadatav1.Key{Scope: metadatav1.Key_OWN},
	})
	if err != nil || again.GetSecret() != "" || again.GetName() != made.GetName() {
		t.Errorf("repeated: %v, %v", again, err)
	}
}

// The use of a key is noted beside the calls, once in a while.
func TestTheLastUseOfAKey(t *testing.T) {
	w := newWorld(t)
	made, hash := w.key(&metadatav1.Key{Scope: metadatav1.Key_READ})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.NoteKeyUses(ctx) }()
	lastUse := func() time.Time {
		k, err := w.GetKey(w.ctx, &metadatav1.GetKeyRequest{Name: made.GetName()})
		if err != nil {
			t.Fatal(err)
		}
		return k.GetLastUseTime().AsTime()
	}
	use := func() {
		if _, err := w.KeyBearer(w.ctx, hash); err != nil {
			t.Fatal(err)
		}
	}
	first := w.clock.Now()
	use()
	await(t, func() bool { return lastUse().Equal(first) })
	w.clock.Advance(time.Minute)
	use()
	w.clock.Advance(5 * time.Minute)
	use()
	await(t, func() bool { return lastUse().Equal(first.Add(6 * time.Minute)) })
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("it never was")
		}
	}
}
