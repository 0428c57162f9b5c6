package tabletest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// testKeys: keys hold every byte but NUL, order bytewise, and neighbouring
// partitions do not mix.
func testKeys(t *testing.T, s *suite) {
	t.Run("every byte in sort keys", func(t *testing.T) {
		p := s.partition(t)
		var items []table.Item
		var want []string
		for b := 1; b < 256; b++ {
			sort := string([]byte{byte(b)})
			items = append(items, table.Item{Key: table.Key{Partition: p, Sort: sort}})
			want = append(want, sort)
		}
		for _, sort := range []string{"a\x01", "a\xff", "a\xff\xff", "aa", "\x01\x01", "\xff\x01", "\xff\xff", "é", "語", "\xc3(", "#|/%\"'"} {
			items = append(items, table.Item{Key: table.Key{Partition: p, Sort: sort}})
			want = append(want, sort)
		}
		slices.Sort(want)
		s.fill(t, items)
		got, page := s.query(t, table.Query{Partition: p, Limit: 1000})
		if !slices.Equal(got, want) || page.More {
			t.Errorf("query returned %d keys, more %v:\n%q, want\n%q", len(got), page.More, got, want)
		}
		s.has(t, items[0])
		s.has(t, items[254])
	})

	t.Run("every byte in partitions", func(t *testing.T) {
		p := s.partition(t)
		names := []string{p, p + "\x01", p + "\xff", p + "\xff\xff", p + " ", p[:len(p)-1]}
		var every []byte
		for b := 1; b < 256; b++ {
			every = append(every, byte(b))
		}
		names = append(names, p+string(every))
		var items []table.Item
		for _, name := range names {
			for _, sort := range []string{"\x01", "a", "\xff"} {
				items = append(items, table.Item{Key: table.Key{Partition: name, Sort: sort}, Tag: "t"})
			}
		}
		s.fill(t, items)
		for _, name := range names {
			got, _ := s.query(t, table.Query{Partition: name, Limit: 10})
			if !slices.Equal(got, []string{"\x01", "a", "\xff"}) {
				t.Errorf("partition %q holds %q", name, got)
			}
		}
		s.commit(t, table.Delete(table.Key{Partition: names[1], Sort: "a"}, table.IfTag("t")))
		s.has(t, table.Item{Key: table.Key{Partition: p, Sort: "a"}, Tag: "t"})
	})
}

// testQuery: From <= sort key < To, in order or in reverse, Limit at most, and
// More when there is more.
func testQuery(t *testing.T, s *suite) {
	p := s.partition(t)
	all := []string{"a", "b", "b\x01", "ba", "c", "d", "dd", "e"}
	var items []table.Item
	for _, sort := range all {
		items = append(items, table.Item{Key: table.Key{Partition: p, Sort: sort}, Value: []byte(sort)})
	}
	s.fill(t, items)
	bounds := []string{"", "\x01", "a", "a\x01", "b", "b\x01", "c", "dd", "de", "e", "f", "\xff"}
	for _, from := range bounds {
		for _, to := range bounds {
			var want []string
			for _, sort := range all {
				if from <= sort && (to == "" || sort < to) {
					want = append(want, sort)
				}
			}
			backwards := slices.Clone(want)
			slices.Reverse(backwards)
			for _, limit := range []int{1, len(want), 100} {
				for reverse, want := range map[bool][]string{false: want, true: backwards} {
					if limit == 0 || limit == 1 && to != "" && from != "" {
						continue // keeps the number of calls moderate
					}
					q := table.Query{Partition: p, From: from, To: to, Reverse: reverse, Limit: limit}
					got, page := s.query(t, q)
					if cut := want[:min(limit, len(want))]; !slices.Equal(got, cut) {
						t.Errorf("%+v returned %q, want %q", q, got, cut)
					}
					if limit < len(want) && !page.More {
						t.Errorf("%+v does not tell that there is more", q)
					}
					if len(got) == 0 && page.More {
						t.Errorf("%+v returned nothing, and more", q)
					}
					for _, i := range page.Items {
						same(t, i, table.Item{Key: table.Key{Partition: p, Sort: i.Key.Sort}, Value: []byte(i.Key.Sort)})
					}
				}
			}
		}
	}

	t.Run("behind a longest key", func(t *testing.T) {
		p := s.partition(t)
		longest := strings.Repeat("x", table.MaxSortBytes)
		s.commit(t,
			table.Put(table.Item{Key: table.Key{Partition: p, Sort: longest}}, table.Any),
			table.Put(table.Item{Key: table.Key{Partition: p, Sort: "y"}}, table.Any))
		if got, _ := s.query(t, table.Query{Partition: p, From: table.After(longest), Limit: 10}); !slices.Equal(got, []string{"y"}) {
			t.Errorf("got %d keys", len(got))
		}
		if got, _ := s.query(t, table.Query{Partition: p, To: table.After(longest), Limit: 10}); !slices.Equal(got, []string{longest}) {
			t.Errorf("got %d keys", len(got))
		}
	})
}

// testPages: walking pages visits each item once, in either direction,
// whatever cuts the pages; none is larger than MaxPageBytes.
func testPages(t *testing.T, s *suite) {
	p := s.partition(t)
	var items []table.Item
	var want []string
	for i := range 14 {
		sort := fmt.Sprintf("%02d", i)
		items = append(items, table.Item{Key: table.Key{Partition: p, Sort: sort}, Value: make([]byte, 180_000+i)})
		want = append(want, sort)
	}
	items = append(items, table.Item{Key: table.Key{Partition: p, Sort: "large"}, Value: make([]byte, 399_000)})
	want = append(want, "large")
	s.fill(t, items)
	for _, limit := range []int{4, 10_000} {
		for _, reverse := range []bool{false, true} {
			t.Run(fmt.Sprintf("limit %d reverse %v", limit, reverse), func(t *testing.T) {
				var walked []string
				q := table.Query{Partition: p, Limit: limit, Reverse: reverse}
				for more := true; more; {
					sorts, page := s.query(t, q)
					size := 0
					for _, i := range page.Items {
						size += table.Size(i)
					}
					if size > table.MaxPageBytes || len(sorts) > limit {
						t.Fatalf("page of %d items, %d bytes", len(sorts), size)
					}
					walked = append(walked, sorts...)
					if more = page.More; more && len(sorts) == 0 {
						t.Fatal("page without items, and more")
					}
					if more && reverse {
						q.To = sorts[len(sorts)-1]
					} else if more {
						q.From = table.After(sorts[len(sorts)-1])
					}
				}
				if reverse {
					slices.Reverse(walked)
				}
				if !slices.Equal(walked, want) {
					t.Errorf("walked %q, want %q", walked, want)
				}
			})
		}
	}
}
