package edge

import (
	"encoding/json"
	"fmt"
	"os"
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

// TestRoutes compares the three patterns of routes with every operation of the
// gateway's contract: what takes contents, has a path of a file in its path, or
// a name or filter in its query.
func TestRoutes(t *testing.T) {
	raw, err := os.ReadFile("../../gateway/openapi/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(raw, &contract); err != nil {
		t.Fatal(err)
	}
	if len(contract.Paths) < 20 {
		t.Fatalf("%d paths", len(contract.Paths))
	}
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	for template, operations := range contract.Paths {
		bytes, query := false, false
		for _, text := range operations {
			var o operation
			if json.Unmarshal(text, &o) != nil {
				continue // what all operations of the path have in common
			}
			bytes = bytes || o.takesBytes()
			query = query || o.namesInQuery()
		}
		path := strings.ReplaceAll(template, "{path}", "a/b.log")
		path = parameter.ReplaceAllString(path, "0190")
		for pattern, want := range map[string]bool{
			byteRoutes: bytes, pathRoutes: strings.Contains(template, "{path}"), queryRoutes: query,
		} {
			if got := regexp.MustCompile(pattern).MatchString(path); got != want {
				t.Errorf("%s matches %s: %v", pattern, template, got)
			}
		}
	}
	for _, path := range []string{"/x/v1/spaces/default/files", "/v1/spaces/default/paths/", "/v1/spaces/default/uploads/0190/x", "/v1/spaces/default/files/0190/content/x"} {
		for _, pattern := range []string{byteRoutes, pathRoutes, queryRoutes} {
			if regexp.MustCompile(pattern).MatchString(path) {
				t.Errorf("%s matches %s, which is no route", pattern, path)
			}
		}
	}
}

// operation is one of an OpenAPI document.
type operation struct {
	Parameters  []struct{ Name, In string } `json:"parameters"`
	RequestBody struct {
		Content map[string]any `json:"content"`
	} `json:"requestBody"`
}

func (o operation) takesBytes() bool {
	for kind := range o.RequestBody.Content {
		if kind != "application/json" && kind != "application/x-www-form-urlencoded" {
			return true
		}
	}
	return false
}

func (o operation) namesInQuery() bool {
	for _, p := range o.Parameters {
		if p.In == "query" && (p.Name == "path" || p.Name == "filter" || p.Name == "displayName") {
			return true
		}
	}
	return false
}
