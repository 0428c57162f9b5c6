package namespace_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

func TestConcatenation(t *testing.T) {
	for _, finished := range []bool{true, false} {
		t.Run(fmt.Sprintf("finished=%v", finished), func(t *testing.T) {
			w := newWorld(t)
			var parts []string
			for range 3 {
				part, err := w.open(&storagev1.CreateUploadRequest{Partial: true})
				if err != nil {
					t.Fatal(err)
				}
				parts = append(parts, part)
			}
			complete := func() {
				for i, part := range parts {
					if status, err := w.resume(part, fmt.Sprintf("part %d,", i), "more;"); err != nil || status.GetFile() != nil {
						t.Fatalf("part: %v, %v", status, err)
					}
				}
			}
			if finished {
				complete()
			}
			whole, err := w.open(toPath("/deep/whole"), parts...)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = w.open(toPath("/other"), parts[0]); fault.ReasonOf(err) != errorsv1.Reason_REASON_CONFLICT {
				t.Errorf("a part of two: %v", err)
			}
			_, err = w.take(whole, 0)
			wantReason(t, "append to a whole", err, errorsv1.Reason_REASON_CONFLICT)
			if e := (*fault.Error)(nil); !errors.As(err, &e) || e.Metadata["joins"] != "true" {
				t.Errorf("append to a whole does not say so: %v", err)
			}
			w.audit()
			if !finished {
				if status, err := w.resume(whole); err != nil || status.GetUpload().GetState() != metadatav1.Upload_OPEN {
					t.Fatalf("before the parts: %v, %v", status, err)
				}
				complete() // the last one completes the whole
			} else if _, err := w.resume(whole); err != nil {
				t.Fatal(err)
			}
			file := w.must("/deep/whole")
			if file.GetSizeBytes() != 36 || file.GetSha256() != "" || len(w.extentsOf("/deep/whole")) != 6 {
				t.Errorf("joined: %v", file)
			}
			w.audit()
			w.sweep()
			if got, want := w.must("/deep/whole").GetSha256(), digestOf("part 0,more;part 1,more;part 2,more;"); got != want {
				t.Errorf("digest after the sweep: %q, want %q", got, want)
			}
			w.sweepAll()
			w.audit()
			if w.must("/deep/whole"); len(w.blobs) != 6 {
				t.Errorf("%d blobs", len(w.blobs))
			}
		})
	}
}

// A revision that is joined of several and restored before its digest is known
// gets the digest as the first one does, also when that is gone by then.
func TestDigestOfRestored(t *testing.T) {
	const contents = "part 0,part 1,"
	for _, deleted := range []bool{false, true} {
		t.Run(fmt.Sprintf("first deleted=%v", deleted), func(t *testing.T) {
			w := newWorld(t)
			w.concatenate("/whole", "part 0,", "part 1,")
			first := w.must("/whole")
			w.put("/whole", "other")
			const restored = 50 // more than are digested in one commit
			for range restored {
				w.restore(first.GetRevision())
			}
			if deleted {
				if err := w.deleteRevisionOnce(first.GetRevision(), ""); err != nil {
					t.Fatal(err)
				}
			}
			if got := w.must("/whole").GetSha256(); got != "" {
				t.Fatalf("digest before the sweep: %q", got)
			}
			w.sweep()
			digested := 0
			revisions, err := w.ListRevisions(w.ctx, &metadatav1.ListRevisionsRequest{Parent: first.GetName(), PageSize: 100})
			for _, r := range revisions.GetRevisions() {
				if r.GetSha256() == digestOf(contents) {
					digested++
				}
			}
			want := restored + 1
			if deleted {
				want--
			}
			if err != nil || digested != want || w.must("/whole").GetSha256() != digestOf(contents) {
				t.Errorf("%d revisions have the digest, want %d; %v; %v", digested, want, w.must("/whole"), err)
			}
			w.sweepAll()
			w.audit()
		})
	}
}

// concatenate makes a file of parts that were uploaded by themselves.
func (w *world) concatenate(path string, contents ...string) {
	w.t.Helper()
	var parts []string
	for _, content := range contents {
		part, err := w.open(&storagev1.CreateUploadRequest{Partial: true})
		if err == nil {
			_, err = w.resume(part, content)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		parts = append(parts, part)
	}
	whole, err := w.open(toPath(path), parts...)
	if err == nil {
		_, err = w.resume(whole)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
