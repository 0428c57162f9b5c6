package header

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
)

func TestParseTusChecksum(t *testing.T) {
	sum := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xab}, n)) }
	for line, want := range map[string]TusChecksum{
		"sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=": {"sha1", []byte("\x2a\xae\x6c\x35\xc9\x4f\xcf\xb4\x15\xdb\xe9\x5f\x40\x8b\x9c\xe9\x1e\xe8\x46\xed")},
		"sha256 " + sum(32):                 {"sha256", bytes.Repeat([]byte{0xab}, 32)},
		" crc32c  " + sum(4) + " ":          {"crc32c", bytes.Repeat([]byte{0xab}, 4)},
	} {
		got, err := ParseTusChecksum([]string{line})
		if err != nil || got.Algorithm != want.Algorithm || !bytes.Equal(got.Sum, want.Sum) {
			t.Errorf("%q: %v, %v", line, got, err)
		}
	}
	if got, err := ParseTusChecksum(nil); err != nil || got.Algorithm != "" {
		t.Errorf("none: %v, %v", got, err)
	}
	for name, lines := range map[string][]string{
		"unknown": {"md5 " + sum(16)}, "case": {"SHA1 " + sum(20)}, "short": {"sha1 " + sum(19)}, "long": {"crc32c " + sum(5)},
		"no sum": {"sha1"}, "not base64": {"sha1 %%%"}, "hexadecimal": {"sha1 " + strings.Repeat("ab", 20)}, "empty": {""},
		"two": {"sha1 " + sum(20), "sha1 " + sum(20)}, "joined": {"sha1 " + sum(20) + ",sha256 " + sum(32)},
	} {
		if got, err := ParseTusChecksum(lines); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("%s: %v, %v; want INVALID_ARGUMENT", name, got, err)
		}
	}
}

func TestParseTusConcat(t *testing.T) {
	for line, want := range map[string]TusConcat{
		"partial":                 {Partial: true},
		"final;/files/a /files/b": {Final: []string{"/files/a", "/files/b"}},
		"final; http://h/a  b ":   {Final: []string{"http://h/a", "b"}},
	} {
		got, err := ParseTusConcat([]string{line})
		if err != nil || got.Partial != want.Partial || !slices.Equal(got.Final, want.Final) {
			t.Errorf("%q: %v, %v", line, got, err)
		}
	}
	if got, err := ParseTusConcat(nil); err != nil || got.Partial || got.Final != nil {
		t.Errorf("none: %v, %v", got, err)
	}
	for _, lines := range [][]string{{""}, {"final"}, {"final;"}, {"final; "}, {"Partial"}, {"partial;"}, {"partial", "partial"}, {"whole"}} {
		if got, err := ParseTusConcat(lines); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("%q: %v, %v; want INVALID_ARGUMENT", lines, got, err)
		}
	}
}

func TestParseTusNumber(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "7": 7, "007": 7, " 1 ": 1, "9223372036854775807": math.MaxInt64} {
		if got, err := ParseTusNumber("Upload-Offset", []string{text}); err != nil || got == nil || *got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if got, err := ParseTusNumber("Upload-Offset", nil); err != nil || got != nil {
		t.Errorf("none: %v, %v", got, err)
	}
	for _, lines := range [][]string{{""}, {"-1"}, {"+1"}, {"1.0"}, {"0x1"}, {"1_0"}, {"9223372036854775808"}, {"1", "1"}, {"1, 1"}, {"١"}} {
		if got, err := ParseTusNumber("Upload-Offset", lines); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("%q: %v, %v; want INVALID_ARGUMENT", lines, got, err)
		}
	}
}

func TestParseTusDefer(t *testing.T) {
	if got, err := ParseTusDefer(nil); got || err != nil {
		t.Errorf("none: %v, %v", got, err)
	}
	if got, err := ParseTusDefer([]string{"1"}); !got || err != nil {
		t.Errorf("1: %v, %v", got, err)
	}
	for _, lines := range [][]string{{""}, {"0"}, {"2"}, {"true"}, {"1", "1"}} {
		if _, err := ParseTusDefer(lines); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("%q: %v; want INVALID_ARGUMENT", lines, err)
		}
	}
}

func FuzzParseTusChecksum(f *testing.F) {
	for _, seed := range []string{"sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "crc32c AAAAAA==", "sha256 ", "md5 x", " "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := ParseTusChecksum([]string{line})
		if err == nil && len(c.Sum) != tusSumBytes[c.Algorithm] || err != nil && c.Algorithm != "" {
			t.Fatalf("%q: %v, %v", line, c, err)
		}
	})
}

func FuzzParseTusConcat(f *testing.F) {
	for _, seed := range []string{"partial", "final;/a /b", "final; http://h/a", "final;\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := ParseTusConcat([]string{line})
		if err != nil {
			return
		}
		if c.Partial == (len(c.Final) > 0) {
			t.Fatalf("%q: %v", line, c)
		}
		for _, url := range c.Final {
			if url == "" || strings.ContainsAny(url, " \t") {
				t.Fatalf("%q: %q", line, url)
			}
		}
	})
}

func FuzzParseTusNumber(f *testing.F) {
	for _, seed := range []string{"0", "007", "-1", "9223372036854775807", " 1\t", "1e3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseTusNumber("Upload-Offset", []string{text})
		if err != nil {
			return
		}
		want := strings.TrimLeft(strings.Trim(text, " \t"), "0")
		if got := strconv.FormatInt(*n, 10); got != want && (want != "" || got != "0") {
			t.Fatalf("%q is %s", text, got)
		}
	})
}
