package header

import (
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// Tags is the value of If-Match or If-None-Match (RFC 9110, section 13.1).
type Tags struct {
	// Present tells whether the field was sent at all.
	Present bool
	// Any is the value "*".
	Any bool
	// List are the entity tags when Any is false.
	List []Tag
}

// Tag is an entity tag (RFC 9110, section 8.8.3), without its quotes.
type Tag struct {
	Value string
	Weak  bool
}

// String returns the tag as it is written in a field.
func (t Tag) String() string {
	if t.Weak {
		return `W/"` + t.Value + `"`
	}
	return `"` + t.Value + `"`
}

// strong returns what the tag is compared by where only strong comparison
// counts (RFC 9110, section 8.8.3.2): a weak tag keeps its mark and so equals
// no revision.
func (t Tag) strong() string {
	if t.Weak {
		return t.String()
	}
	return t.Value
}

// ParseTags reads the lines of the field called name. It returns
// INVALID_ARGUMENT when they are not a list of entity tags or "*".
func ParseTags(name string, lines []string) (Tags, error) {
	if len(lines) == 0 {
		return Tags{}, nil
	}
	tags := Tags{Present: true}
	rest := strings.Trim(strings.Join(lines, ","), " \t")
	if rest == "*" {
		tags.Any = true
		return tags, nil
	}
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			break
		}
		tag, after, ok := cutTag(rest)
		after = strings.TrimLeft(after, " \t")
		if !ok || (after != "" && after[0] != ',') {
			return Tags{}, fault.Invalidf(name, `want "*" or a list of quoted entity tags`)
		}
		tags.List = append(tags.List, tag)
		rest = after
	}
	if len(tags.List) == 0 {
		return Tags{}, fault.Invalidf(name, "holds no entity tag")
	}
	return tags, nil
}

// Match reports whether etag, given without quotes, is among the tags by weak
// comparison, or whether any will do.
func (t Tags) Match(etag string) bool {
	if t.Any {
		return true
	}
	for _, tag := range t.List {
		if tag.Value == etag {
			return true
		}
	}
	return false
}

// MatchStrong is Match by strong comparison.
func (t Tags) MatchStrong(etag string) bool {
	if t.Any {
		return true
	}
	for _, tag := range t.List {
		if !tag.Weak && tag.Value == etag {
			return true
		}
	}
	return false
}

func cutTag(s string) (tag Tag, rest string, ok bool) {
	if after, weak := strings.CutPrefix(s, "W/"); weak {
		tag.Weak, s = true, after
	}
	if s == "" || s[0] != '"' {
		return Tag{}, "", false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			tag.Value = s[1:i]
			return tag, s[i+1:], true
		case c <= ' ' || c == 0x7f:
			return Tag{}, "", false
		}
	}
	return Tag{}, "", false
}
