package filter_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/filter"
)

func sample() *recordv1.Node {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).UnixMicro()
	return &recordv1.Node{
		DisplayName: "report.pdf", Kind: recordv1.Node_FILE,
		Labels:       map[string]string{"team": "design", "draft": ""},
		CreateMicros: at, UpdateMicros: at,
		Revision: &recordv1.Revision{SizeBytes: 4096, ContentType: "application/pdf"},
	}
}

func TestMatches(t *testing.T) {
	for text, want := range map[string]bool{
		``:                                     true,
		`display_name = "report.pdf"`:          true,
		`display_name = "*.pdf"`:               true,
		`display_name = "rep*"`:                true,
		`display_name = "*port*"`:              true,
		`display_name = "*.doc"`:               false,
		`display_name != "*.doc"`:              true,
		`display_name:port`:                    true,
		`display_name:zebra`:                   false,
		`display_name > "a"`:                   true,
		`kind = FILE`:                          true,
		`kind = FOLDER`:                        false,
		`kind != FOLDER`:                       true,
		`size_bytes > 4095`:                    true,
		`size_bytes >= 4097`:                   false,
		`size_bytes = 4096`:                    true,
		`content_type = "application/*"`:       true,
		`labels.team = "design"`:               true,
		`labels.team = "ops"`:                  false,
		`labels.absent = "x"`:                  false,
		`labels:draft`:                         true,
		`labels:absent`:                        false,
		`NOT labels:absent`:                    true,
		`create_time > "2026-01-01T00:00:00Z"`: true,
		`update_time < timestamp("2026-01-01T00:00:00Z")`:            false,
		`kind = FILE AND size_bytes < 10`:                            false,
		`kind = FOLDER OR size_bytes < 10 OR display_name = "*.pdf"`: true,
		`(kind = FOLDER OR size_bytes > 10) AND content_type:"pdf"`:  true,
		`kind = FILE display_name = "*.pdf"`:                         true,
	} {
		f, err := filter.Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if got := f.Matches(sample()); got != want {
			t.Errorf("%q matches = %v, want %v", text, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		`nonsense = 1`, `display_name = `, `size_bytes > "many"`, `kind = DOOR`, `create_time > "yesterday"`,
		`display_name`, `labels = "x"`, `"x"`, `size_bytes`, `(((`, `AND`, `creator = "me"`, `size_bytes.x = 1`,
		strings.Repeat("(", 500) + `kind = FILE` + strings.Repeat(")", 500),
		`display_name = "` + strings.Repeat("x", 5000) + `"`,
	} {
		if _, err := filter.Parse(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("Parse(%q) = %v, want INVALID_ARGUMENT", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`kind = FILE AND (size_bytes > 10 OR labels.a = "b")`)
	f.Add(`NOT display_name:"x" create_time < "2026-01-01T00:00:00Z"`)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := filter.Parse(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("Parse(%q) = %v, want INVALID_ARGUMENT", text, err)
			}
			return
		}
		parsed.Matches(sample())
	})
}

// A filter is evaluated for each of thousands of nodes, so it holds no more than
// so many conditions, however they are joined.
func TestManyConditions(t *testing.T) {
	for _, join := range []string{" AND ", " OR ", " "} {
		conditions := slices.Repeat([]string{`NOT size_bytes = 1`}, 64)
		if f, err := filter.Parse(strings.Join(conditions, join)); err != nil || !f.Matches(sample()) {
			t.Errorf("64 joined by %q: %v", join, err)
		}
		conditions = append(conditions, `size_bytes = 1`)
		if _, err := filter.Parse(strings.Join(conditions, join)); !errors.Is(err, fault.Invalid) {
			t.Errorf("65 joined by %q: %v", join, err)
		}
	}
}
