package quota

import (
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
)

// Bounds of a quota's own fields.
const (
	// MaxAmount is the largest bound; a space without one holds more than that.
	MaxAmount = 1 << 56
	maxTypes  = 100
	maxType   = 127
)

// CheckSize returns TOO_LARGE for contents that are larger than one file may be.
func CheckSize(q *recordv1.Quota, bytes int64) error {
	if most := q.GetFileBytes(); most != 0 && bytes > most {
		return fault.New(errorsv1.Reason_REASON_TOO_LARGE, "files of the space are at most %d bytes long", most)
	}
	return nil
}

// CheckType returns UNSUPPORTED_MEDIA for contents of a type that the space
// does not take. Parameters of the type do not count.
func CheckType(q *recordv1.Quota, contentType string) error {
	allowed := q.GetContentTypes()
	if len(allowed) == 0 {
		return nil
	}
	essence, _, _ := strings.Cut(contentType, ";")
	essence = strings.ToLower(strings.TrimSpace(essence))
	for _, one := range allowed {
		if kind, all := strings.CutSuffix(one, "*"); essence == one || (all && strings.HasPrefix(essence, kind)) {
			return nil
		}
	}
	return fault.New(errorsv1.Reason_REASON_UNSUPPORTED_MEDIA, "the space does not take contents of type %s", essence)
}

// Check returns INVALID_ARGUMENT for a quota that makes no sense.
func Check(q *recordv1.Quota) error {
	for field, n := range map[string]int64{
		"max_bytes": q.GetBytes(), "max_file_count": q.GetFiles(), "max_file_size_bytes": q.GetFileBytes(),
	} {
		if n < 0 || n > MaxAmount {
			return fault.Invalidf("space.quota."+field, "must be 0 to %d", int64(MaxAmount))
		}
	}
	if len(q.GetContentTypes()) > maxTypes {
		return fault.Invalidf("space.quota.content_types", "must be at most %d", maxTypes)
	}
	for _, one := range q.GetContentTypes() {
		if !validType(one) {
			return fault.Invalidf("space.quota.content_types", "%q is not a media type like image/png or image/*", one)
		}
	}
	return nil
}

// validType reports whether s is type/subtype or type/* in lower case, in the
// characters of RFC 6838.
func validType(s string) bool {
	kind, sub, ok := strings.Cut(s, "/")
	if !ok || len(s) > maxType || !validToken(kind) {
		return false
	}
	return sub == "*" || validToken(sub)
}

func validToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (i == 0 || !strings.ContainsRune("!#$&-^_.+", rune(c))) {
			return false
		}
	}
	return s != ""
}
