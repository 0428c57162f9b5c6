package header

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
)

func TestParseTags(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  Tags
	}{
		{nil, Tags{}},
		{[]string{"*"}, Tags{Present: true, Any: true}},
		{[]string{" * "}, Tags{Present: true, Any: true}},
		{[]string{`"a"`}, Tags{Present: true, List: []Tag{{Value: "a"}}}},
		{[]string{`""`}, Tags{Present: true, List: []Tag{{}}}},
		{[]string{`W/"a"`}, Tags{Present: true, List: []Tag{{Value: "a", Weak: true}}}},
		{[]string{`"a", W/"b" ,"c"`}, Tags{Present: true, List: []Tag{{Value: "a"}, {Value: "b", Weak: true}, {Value: "c"}}}},
		{[]string{`"a"`, `"b"`}, Tags{Present: true, List: []Tag{{Value: "a"}, {Value: "b"}}}},
		{[]string{`,, "a",,`}, Tags{Present: true, List: []Tag{{Value: "a"}}}},
		{[]string{`"a,b"`}, Tags{Present: true, List: []Tag{{Value: "a,b"}}}},
		{[]string{`"*"`}, Tags{Present: true, List: []Tag{{Value: "*"}}}},
		{[]string{"\"\xe9\""}, Tags{Present: true, List: []Tag{{Value: "\xe9"}}}},
	} {
		got, err := ParseTags("If-Match", c.lines)
		if err != nil || got.Present != c.want.Present || got.Any != c.want.Any || !slices.Equal(got.List, c.want.List) {
			t.Errorf("ParseTags(%q) = %+v, %v; want %+v", c.lines, got, err, c.want)
		}
	}
}

func TestParseTagsRefuses(t *testing.T) {
	for _, line := range []string{
		"", " ", ",", "a", `"a`, `a"`, `"a" "b"`, `"a"b`, `w/"a"`, `W/a`, `W/`, `W/ "a"`, `"a b"`, "\"a\x7f\"",
		`*, "a"`, `"a", *`, `**`, `"a",b`,
	} {
		got, err := ParseTags("If-Match", []string{line})
		if fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("ParseTags(%q) = %+v, %v; want INVALID_ARGUMENT", line, got, err)
		}
	}
}

func TestTagsMatch(t *testing.T) {
	tags, err := ParseTags("If-None-Match", []string{`"a", W/"b"`})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		etag         string
		weak, strong bool
	}{
		{"a", true, true},
		{"b", true, false},
		{"c", false, false},
	} {
		if got := tags.Match(c.etag); got != c.weak {
			t.Errorf("Match(%q) = %v", c.etag, got)
		}
		if got := tags.MatchStrong(c.etag); got != c.strong {
			t.Errorf("MatchStrong(%q) = %v", c.etag, got)
		}
	}
	if star := (Tags{Present: true, Any: true}); !star.Match("x") || !star.MatchStrong("x") {
		t.Error("* matches nothing")
	}
}

func FuzzParseTags(f *testing.F) {
	for _, seed := range []string{`*`, `"a"`, `W/"a","b"`, `"a" , ,W/"b"`, `"`, `W/`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		tags, err := ParseTags("If-Match", []string{line})
		if err != nil {
			return
		}
		if tags.Any {
			if len(tags.List) != 0 || strings.Trim(line, " \t") != "*" {
				t.Fatalf("%q is taken for *", line)
			}
			return
		}
		// What was read, written again, reads the same.
		var texts []string
		for _, tag := range tags.List {
			texts = append(texts, tag.String())
		}
		again, err := ParseTags("If-Match", []string{strings.Join(texts, ", ")})
		if err != nil || !slices.Equal(again.List, tags.List) {
			t.Fatalf("%q reads as %v, which reads as %v, %v", line, tags.List, again.List, err)
		}
	})
}
