package header

import (
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
)

func TestParseIdempotencyKey(t *testing.T) {
	for line, want := range map[string]string{
		`8e03978e-40d5-43dd-bc93-6894a57f9324`:   "8e03978e-40d5-43dd-bc93-6894a57f9324",
		`"8e03978e-40d5-43dd-bc93-6894a57f9324"`: "8e03978e-40d5-43dd-bc93-6894a57f9324",
		`"a \"b\""`:                              `a "b"`,
		` x `:                                    "x",
		strings.Repeat("k", 128):                 strings.Repeat("k", 128),
	} {
		if got, err := ParseIdempotencyKey([]string{line}); err != nil || got != want {
			t.Errorf("ParseIdempotencyKey(%q) = %q, %v; want %q", line, got, err, want)
		}
	}
	if got, err := ParseIdempotencyKey(nil); got != "" || err != nil {
		t.Errorf("without the field: %q, %v", got, err)
	}
	for _, lines := range [][]string{{""}, {`""`}, {"a", "b"}, {`"a`}, {`"a" "b"`}, {"é"}, {"a\tb"}, {strings.Repeat("k", 129)}} {
		if got, err := ParseIdempotencyKey(lines); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("ParseIdempotencyKey(%q) = %q, %v; want INVALID_ARGUMENT", lines, got, err)
		}
	}
}

func FuzzParseIdempotencyKey(f *testing.F) {
	f.Add("abc")
	f.Add(`"abc";p=1`)
	f.Fuzz(func(t *testing.T, line string) {
		key, err := ParseIdempotencyKey([]string{line})
		if err != nil {
			return
		}
		if key == "" || len(key) > maxIdempotencyKeyBytes {
			t.Fatalf("%q became %q", line, key)
		}
	})
}
