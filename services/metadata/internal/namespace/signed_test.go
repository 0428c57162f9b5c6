package namespace_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/apikey"
)

// A signed link is good for what it was signed for, while it lasts and while
// who signed it may read.
func TestSignedFile(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "first")
	signed, err := w.SignFile(w.ctx, &metadatav1.SignFileRequest{Name: f.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	follow := func(uri string) error {
		_, err := w.LocateShared(w.ctx, &ledgerv1.LocateSharedRequest{
			Source: &ledgerv1.LocateSharedRequest_Signed{Signed: strings.TrimPrefix(uri, "/d/")},
		})
		return err
	}
	if err := follow(signed.GetUri()); err != nil {
		t.Error(err)
	}
	for i := len("/d/"); i < len(signed.GetUri()); i += 7 {
		forged := []byte(signed.GetUri())
		forged[i] = "AB"[1-strings.IndexByte("AB", forged[i])&1]
		if string(forged) == signed.GetUri() {
			continue
		}
		if err := follow(string(forged)); !errors.Is(err, fault.NotFound) {
			t.Errorf("forged at %d: %v", i, err)
		}
	}
	hidden, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(signed.GetUri(), "/d/"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{testSpace, f.GetName()[len(parent+"/files/"):], "anonymous", "user:"} {
		if strings.Contains(string(hidden), secret) {
			t.Errorf("who has the link can read %q in it", secret)
		}
	}
	again, err := w.SignFile(w.ctx, &metadatav1.SignFileRequest{Name: f.GetName()})
	if err != nil || again.GetUri() == signed.GetUri() {
		t.Errorf("two links are the same: %v", err)
	}
	nobody := access.With(t.Context(), access.Principal{ID: "user:n", Kind: access.KindUser})
	lost, err := w.SignFile(nobody, &metadatav1.SignFileRequest{Name: f.GetName()})
	if err != nil {
		t.Fatal(err) // the dispatcher is what would have refused
	}
	if err := follow(lost.GetUri()); !errors.Is(err, fault.NotFound) {
		t.Errorf("signed by who has no role: %v", err)
	}
	w.clock.Advance(15 * time.Minute)
	if err := follow(signed.GetUri()); !errors.Is(err, fault.NotFound) {
		t.Errorf("after its expiry: %v", err)
	}
	_, err = w.SignFile(w.ctx, &metadatav1.SignFileRequest{
		Name: f.GetName(), ExpireTime: timestamppb.New(w.clock.Now().Add(8 * 24 * time.Hour)),
	})
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("for longer than a week: %v", err)
	}
}

// A link that was signed with an API key does not outlive it.
func TestSignedByAKeyThatExpires(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "x")
	made, err := w.CreateKey(w.ctx, &metadatav1.CreateKeyRequest{Parent: parent, Key: &metadatav1.Key{
		Scope: metadatav1.Key_READ, ExpireTime: timestamppb.New(w.clock.Now().Add(time.Hour)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	hash, _ := apikey.Hash(made.GetSecret())
	bearer, err := w.KeyBearer(w.ctx, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	signed, err := w.SignFile(access.With(t.Context(), bearer), &metadatav1.SignFileRequest{
		Name: f.GetName(), ExpireTime: timestamppb.New(w.clock.Now().Add(24 * time.Hour)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{0, 59 * time.Minute, time.Minute} {
		w.clock.Advance(wait)
		_, err := w.LocateShared(w.ctx, &ledgerv1.LocateSharedRequest{
			Source: &ledgerv1.LocateSharedRequest_Signed{Signed: strings.TrimPrefix(signed.GetUri(), "/d/")},
		})
		if expired := wait == time.Minute; expired != errors.Is(err, fault.NotFound) || !expired && err != nil {
			t.Errorf("after %v more: %v", wait, err)
		}
	}
}

// What was begun or signed with the bootstrap key of the configuration ends when
// another one is configured.
func TestBootstrapKeyIsReplaced(t *testing.T) {
	w := newWorld(t)
	f := w.put("/f", "x")
	hash := bytes.Repeat([]byte{1}, 32)
	old := openBootstrapped(t, w.table, w.clock, hash)
	old.ctx = access.With(t.Context(), access.Bootstrap(hash))
	signed, err := old.SignFile(old.ctx, &metadatav1.SignFileRequest{Name: f.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	begun, err := old.Begin(old.ctx, &ledgerv1.BeginRequest{Spec: atPath("/g")})
	if err != nil {
		t.Fatal(err)
	}
	upload := w.store(begun, "x")
	for name, c := range map[string]struct {
		bootstrap []byte
		good      bool
	}{
		"none":    {nil, false},
		"another": {bytes.Repeat([]byte{2}, 32), false},
		"it":      {hash, true},
	} {
		now := openBootstrapped(t, w.table, w.clock, c.bootstrap)
		_, err := now.LocateShared(w.ctx, &ledgerv1.LocateSharedRequest{
			Source: &ledgerv1.LocateSharedRequest_Signed{Signed: strings.TrimPrefix(signed.GetUri(), "/d/")},
		})
		if c.good != (err == nil) || !c.good && !errors.Is(err, fault.NotFound) {
			t.Errorf("%s is configured: the link: %v", name, err)
		}
		_, err = now.Commit(w.ctx, upload)
		if c.good != (err == nil) || !c.good && fault.ReasonOf(err) != errorsv1.Reason_REASON_UNAUTHENTICATED {
			t.Errorf("%s is configured: the upload: %v", name, err)
		}
	}
}
