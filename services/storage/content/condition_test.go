package content

import (
	"errors"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// TestJudge holds the conditions against RFC 9110, section 13.2.2. The located
// revision is "now" and was last changed in second 100.
func TestJudge(t *testing.T) {
	located := &ledgerv1.LocateResponse{
		Revision:   &metadatav1.Revision{Name: "spaces/s/files/f/revisions/now"},
		ModifyTime: &timestamppb.Timestamp{Seconds: 100},
	}
	second := func(s int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: s} }
	const failed = verdict(-1)
	cases := []struct {
		name string
		c    *storagev1.ReadCondition
		want verdict
	}{
		{"none", nil, serve},
		{"empty", &storagev1.ReadCondition{}, serve},

		{"step 1, matches", &storagev1.ReadCondition{Match: []string{"old", "now"}}, serve},
		{"step 1, matches none", &storagev1.ReadCondition{Match: []string{"old"}}, failed},
		{"step 1, any", &storagev1.ReadCondition{MatchAny: true}, serve},
		{"step 1 leaves out step 2", &storagev1.ReadCondition{Match: []string{"now"}, UnmodifiedSinceTime: second(1)}, serve},
		{"step 1 fails before step 3", &storagev1.ReadCondition{Match: []string{"old"}, NoneMatch: []string{"now"}}, failed},

		{"step 2, same second", &storagev1.ReadCondition{UnmodifiedSinceTime: second(100)}, serve},
		{"step 2, later", &storagev1.ReadCondition{UnmodifiedSinceTime: second(101)}, serve},
		{"step 2, earlier", &storagev1.ReadCondition{UnmodifiedSinceTime: second(99)}, failed},
		{"step 2 fails before step 3", &storagev1.ReadCondition{UnmodifiedSinceTime: second(99), NoneMatch: []string{"now"}}, failed},

		{"step 3, matches", &storagev1.ReadCondition{NoneMatch: []string{"old", "now"}}, notModified},
		{"step 3, matches none", &storagev1.ReadCondition{NoneMatch: []string{"old"}}, serve},
		{"step 3, any", &storagev1.ReadCondition{NoneMatchAny: true}, notModified},
		{"step 3 leaves out step 4", &storagev1.ReadCondition{NoneMatch: []string{"old"}, ModifiedSinceTime: second(100)}, serve},
		{"step 3 after step 1", &storagev1.ReadCondition{Match: []string{"now"}, NoneMatch: []string{"now"}}, notModified},

		{"step 4, same second", &storagev1.ReadCondition{ModifiedSinceTime: second(100)}, notModified},
		{"step 4, earlier", &storagev1.ReadCondition{ModifiedSinceTime: second(99)}, serve},
		{"step 4, later, which is no match either", &storagev1.ReadCondition{ModifiedSinceTime: second(101)}, serve},
		{"step 4 after step 2", &storagev1.ReadCondition{UnmodifiedSinceTime: second(100), ModifiedSinceTime: second(100)}, notModified},

		{"step 5, matches", &storagev1.ReadCondition{RangeRevision: "now"}, serve},
		{"step 5, does not", &storagev1.ReadCondition{RangeRevision: "old"}, serveFull},
		{"step 5, same second", &storagev1.ReadCondition{RangeUnmodifiedTime: second(100)}, serve},
		{"step 5, earlier", &storagev1.ReadCondition{RangeUnmodifiedTime: second(99)}, serveFull},
		{"step 5, later, which is no match either", &storagev1.ReadCondition{RangeUnmodifiedTime: second(101)}, serveFull},
		{"step 5 after step 3", &storagev1.ReadCondition{NoneMatch: []string{"now"}, RangeRevision: "old"}, notModified},
		{"step 5 after step 1", &storagev1.ReadCondition{Match: []string{"now"}, RangeRevision: "old"}, serveFull},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := judge(c.c, located)
			if c.want == failed {
				if !errors.Is(err, fault.Precondition) {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}
