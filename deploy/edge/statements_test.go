package edge

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// maxPattern is the longest pattern AWS WAF takes.
const maxPattern = 512

func FuzzMoreThan(f *testing.F) {
	for _, n := range []int64{0, 9, 10, 99, 16384, 50 << 30, 64_000_000_000, 1<<62 - 1} {
		for _, m := range []int64{n - 1, n, n + 1, n * 10, n / 10} {
			f.Add(n, m, 0)
			f.Add(n, m, 3)
		}
	}
	f.Fuzz(func(t *testing.T, n, m int64, zeros int) {
		if n < 0 || m < 0 || zeros < 0 || zeros > 20 {
			return
		}
		pattern := moreThan(n)
		if len(pattern) > maxPattern {
			t.Fatalf("the pattern for %d has %d bytes", n, len(pattern))
		}
		text := strings.Repeat("0", zeros) + fmt.Sprint(m)
		if got := regexp.MustCompile(pattern).MatchString(text); got != (m > n) {
			t.Errorf("%s more than %d: %v", text, n, got)
		}
	})
}

func TestMoreThanTakesNumbersOnly(t *testing.T) {
	pattern := regexp.MustCompile(moreThan(10))
	for _, text := range []string{"", "-99", "+99", "99 ", "0x99", "9e9", "1,000", "99\n"} {
		if pattern.MatchString(text) {
			t.Errorf("%q counts as more than 10", text)
		}
	}
}

// TestRoutes keeps the three patterns of routes in step with the REST contract.
func TestRoutes(t *testing.T) {
	const space = "/v1/spaces/default/"
	tests := []struct {
		path                string
		bytes, paths, query bool
	}{
		{space + "files", true, false, true},
		{space + "files/0190", false, false, false},
		{space + "files/0190/content", true, false, true},
		{space + "files/0190:move", false, false, false},
		{space + "files:lookup", false, false, true},
		{space + "paths/a/b.log", true, true, true},
		{space + "paths/", false, false, false},
		{space + "uploads", true, false, true},
		{space + "uploads/0190", true, false, false},
		{space + "uploads/0190/x", false, false, false},
		{space + "members", false, false, false},
		{"/v1/spaces", false, false, false},
		{"/x" + space + "files", false, false, false},
		{"/s/token", false, false, false},
		{"/readyz", false, false, false},
	}
	for _, test := range tests {
		for pattern, want := range map[string]bool{byteRoutes: test.bytes, pathRoutes: test.paths, queryRoutes: test.query} {
			if got := regexp.MustCompile(pattern).MatchString(test.path); got != want {
				t.Errorf("%s matches %s: %v", pattern, test.path, got)
			}
		}
	}
}
