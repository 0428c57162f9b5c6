package header

import (
	"net/http"
	"strings"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// ReadCondition returns the conditions of a GET or HEAD, nil when there are
// none. What RFC 9110 tells a recipient to ignore is left out: dates that are
// none, If-Unmodified-Since next to If-Match, If-Modified-Since next to
// If-None-Match, If-Range without Range.
func ReadCondition(h http.Header) (*storagev1.ReadCondition, error) {
	match, err := ParseTags("If-Match", h["If-Match"])
	if err != nil {
		return nil, err
	}
	none, err := ParseTags("If-None-Match", h["If-None-Match"])
	if err != nil {
		return nil, err
	}
	c := &storagev1.ReadCondition{
		MatchAny:     match.Any,
		Match:        strongValues(match.List),
		NoneMatchAny: none.Any,
		NoneMatch:    weakValues(none.List),
	}
	found := match.Present || none.Present
	if !match.Present {
		c.UnmodifiedSinceTime = date(h["If-Unmodified-Since"])
		found = found || c.UnmodifiedSinceTime != nil
	}
	if !none.Present {
		c.ModifiedSinceTime = date(h["If-Modified-Since"])
		found = found || c.ModifiedSinceTime != nil
	}
	if lines := h["If-Range"]; len(lines) > 0 && len(h["Range"]) > 0 {
		ifRange(c, lines)
		found = true
	}
	if !found {
		return nil, nil
	}
	return c, nil
}

// RemoveCondition returns the conditions of a DELETE, nil when there are none.
// If-Modified-Since and If-Range have no meaning there and are ignored (RFC 9110,
// sections 13.1.3 and 13.1.5).
func RemoveCondition(h http.Header) (*storagev1.ReadCondition, error) {
	return ReadCondition(http.Header{
		"If-Match": h["If-Match"], "If-None-Match": h["If-None-Match"], "If-Unmodified-Since": h["If-Unmodified-Since"],
	})
}

// WriteCondition returns the conditions of a PUT, nil when there are
// none. If-Modified-Since has no meaning there and is ignored.
func WriteCondition(h http.Header) (*storagev1.WriteCondition, error) {
	match, err := ParseTags("If-Match", h["If-Match"])
	if err != nil {
		return nil, err
	}
	none, err := ParseTags("If-None-Match", h["If-None-Match"])
	if err != nil {
		return nil, err
	}
	c := &storagev1.WriteCondition{
		Present:      match.Any,
		Revisions:    strongValues(match.List),
		Absent:       none.Any,
		NotRevisions: weakValues(none.List),
	}
	found := match.Present || none.Present
	if !match.Present {
		c.UnmodifiedSinceTime = date(h["If-Unmodified-Since"])
		found = found || c.UnmodifiedSinceTime != nil
	}
	if !found {
		return nil, nil
	}
	return c, nil
}

// ifRange fills in If-Range (RFC 9110, section 13.1.5). What is neither a
// strong tag nor a date equals no revision, so that the whole is sent.
func ifRange(c *storagev1.ReadCondition, lines []string) {
	value := strings.Trim(strings.Join(lines, ","), " \t")
	if t := date(lines); t != nil {
		c.RangeUnmodifiedTime = t
		return
	}
	c.RangeRevision = "invalid:" + value
	if tag, rest, ok := cutTag(value); ok && rest == "" {
		c.RangeRevision = tag.strong()
	}
}

// date reads an HTTP date in any of its three formats (RFC 9110, section
// 5.6.7); nil when it is none.
func date(lines []string) *timestamppb.Timestamp {
	if len(lines) != 1 {
		return nil
	}
	t, err := http.ParseTime(strings.Trim(lines[0], " \t"))
	if err != nil {
		return nil
	}
	return timestamppb.New(t)
}

func strongValues(tags []Tag) []string {
	return values(tags, Tag.strong)
}

func weakValues(tags []Tag) []string {
	return values(tags, func(t Tag) string { return t.Value })
}

func values(tags []Tag, value func(Tag) string) []string {
	if len(tags) == 0 {
		return nil
	}
	out := make([]string, len(tags))
	for i, tag := range tags {
		out[i] = value(tag)
	}
	return out
}
