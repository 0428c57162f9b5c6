package dynamotable

import (
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// TestBounds: the closed bounds that DynamoDB has hold the same keys as the
// half-open ones of the port.
func TestBounds(t *testing.T) {
	long := func(end string) string { return strings.Repeat("k", table.MaxSortBytes-len(end)) + end }
	full := strings.Repeat("\xff", table.MaxSortBytes)
	for _, c := range []struct{ bound, least, before string }{
		{"b", "b", "a" + full[1:]},
		{"b\x01", "b\x01", "b"},
		{"\x01", "\x01", ""},
		{table.After(long("a")), long("b"), long("a")},
		{table.After(long("a\xff\xff")), long("b\xff\xff")[:table.MaxSortBytes-2], long("a\xff\xff")},
		{table.After(long("\xc3\xfe")), long("\xc3\xff"), long("\xc3\xfe")},
		{table.After(full), "", full},
	} {
		if got, some := least(c.bound); got != c.least || some != (c.least != "") {
			t.Errorf("least of %q… is %q, %v", c.bound[:1], got, some)
		}
		if got := before(c.bound); got != c.before {
			t.Errorf("before %q… is %q", c.bound[:1], got)
		}
	}
}
