package content

import (
	"slices"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// verdict is what conditions make of a download.
type verdict int

const (
	serve     verdict = iota // ranges count
	serveFull                // the range's own condition does not hold
	notModified
)

// judge evaluates c against the located revision in the order of RFC 9110,
// section 13.2.2; the steps below bear its numbers. The dates that count are
// whole seconds.
//
// Errors: PRECONDITION_FAILED.
func judge(c *storagev1.ReadCondition, located *ledgerv1.LocateResponse) (verdict, error) {
	if c == nil {
		return serve, nil
	}
	revision := revisionID(located.GetRevision().GetName())
	modified := located.GetModifyTime().GetSeconds()

	switch { // steps 1 and 2
	case c.GetMatchAny() || len(c.GetMatch()) != 0:
		if !c.GetMatchAny() && !slices.Contains(c.GetMatch(), revision) {
			return 0, unmet("the contents are another revision")
		}
	case c.UnmodifiedSinceTime != nil:
		if modified > c.GetUnmodifiedSinceTime().GetSeconds() {
			return 0, unmet("the contents have changed since")
		}
	}

	switch { // steps 3 and 4
	case c.GetNoneMatchAny() || len(c.GetNoneMatch()) != 0:
		if c.GetNoneMatchAny() || slices.Contains(c.GetNoneMatch(), revision) {
			return notModified, nil
		}
	case c.ModifiedSinceTime != nil:
		// An exact match, since times may also run backwards for a client that
		// saw the file before another one was put in its place.
		if modified == c.GetModifiedSinceTime().GetSeconds() {
			return notModified, nil
		}
	}

	switch { // step 5
	case c.GetRangeRevision() != "":
		if c.GetRangeRevision() != revision {
			return serveFull, nil
		}
	case c.RangeUnmodifiedTime != nil:
		if modified != c.GetRangeUnmodifiedTime().GetSeconds() {
			return serveFull, nil
		}
	}
	return serve, nil
}

func unmet(message string) error {
	return fault.New(errorsv1.Reason_REASON_PRECONDITION_FAILED, "%s", message)
}

// revisionID returns the last segment of a revision's resource name.
func revisionID(name string) string {
	return name[strings.LastIndexByte(name, '/')+1:]
}
