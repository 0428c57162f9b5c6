package namespace_test

import (
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
