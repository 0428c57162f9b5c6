package diskblob_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/content"
	"github.com/holdfast-files/holdfast/services/storage/inspect"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
	"github.com/holdfast-files/holdfast/services/storage/internal/ledgertest"
)

// fsck of a store of which some places are unreadable lists what lies there,
// nothing else, and comes to its end; it repairs nothing.
func TestInspectUnreadable(t *testing.T) {
	s := newSickDisk(t)
	memory := faultblob.New(t)
	ledger := ledgertest.New(t, memory)
	quiet := slog.New(slog.DiscardHandler)
	engine := content.New(content.Config{Blobs: memory, Ledger: ledger.Client(nil), Logger: quiet})
	add := func(path string, size int) blob.ID {
		spec := &storagev1.UploadSpec{Target: &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Path: path}}}
		if _, err := engine.Upload(t.Context(), spec, bytes.NewReader(bytes.Repeat([]byte{1}, size))); err != nil {
			t.Fatal(err)
		}
		id := ledger.Blob(path)
		var b bytes.Buffer
		if err := memory.Read(t.Context(), id, 0, int64(size), &b); err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.Create(t.Context(), id, &b, int64(size)); err != nil {
			t.Fatal(err)
		}
		return id
	}
	for i := range 12 {
		s.ids = append(s.ids, add(fmt.Sprintf("/small-%02d", i), sickData))
	}
	s.large = add("/large", sickLarge)
	add("/large-too", sickLarge)
	s.create(sickData) // an orphan, to be spared
	s.disk.Kill()
	s.close()
	file := sickDir + "/large/" + s.large.String()[34:] + "/" + s.large.String()
	unsealed := s.file(1, ".pack")
	s.damage(file, 300<<10, 300<<10+1)
	s.damage(s.file(0, ".pack"), 3*sickRecord, 3*sickRecord+1) // a head
	s.damage(unsealed, 2*sickRecord, 3*sickRecord)             // a whole blob
	s.open()
	defer s.close()
	want := []string{s.ids[3].String(), s.ids[10].String(), s.large.String()}
	slices.Sort(want)

	inspector := inspect.New(inspect.Config{Blobs: s.store, Ledger: ledger.Client(nil), Logger: quiet})
	var got []string
	summary, err := inspector.Inspect(t.Context(), &ledgerv1.InspectRequest{Deep: true, Repair: true}, func(f *ledgerv1.Finding) error {
		switch f.GetKind() {
		case ledgerv1.Finding_BLOB_CORRUPT:
			id, _, _ := strings.Cut(strings.TrimPrefix(f.GetDetail(), "blob "), ":")
			got = append(got, id)
		case ledgerv1.Finding_BLOB_ORPHAN:
			if f.GetRepaired() {
				t.Errorf("deleted: %v", f)
			}
		default:
			t.Errorf("found %v", f)
		}
		return nil
	})
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("found %v, want %v: %v", got, want, err)
	}
	if summary.GetRevisionCount() != 14 || summary.GetFindingCount() != 4 {
		t.Errorf("summary %v", summary)
	}
}
