package dynamotable

import (
	"strings"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// keyCondition returns the key condition for From <= sort key < To. DynamoDB
// has one condition on a sort key, whose ends both belong to it, so To becomes
// the largest key before it. some is false when no key can lie between.
func keyCondition(q table.Query) (e expression, some bool) {
	e.text = "pk = :p"
	e.value(":p", binary(q.Partition))
	from, some := least(q.From)
	if !some {
		return e, false
	}
	if q.To == "" {
		if from != "" {
			e.text += " AND sk >= :f"
			e.value(":f", binary(from))
		}
		return e, true
	}
	if from == "" && len(q.To) <= table.MaxSortBytes {
		e.text += " AND sk < :l"
		e.value(":l", binary(q.To))
		return e, true
	}
	last := before(q.To)
	if last == "" || last < from {
		return e, false
	}
	e.value(":l", binary(last))
	if from == "" {
		e.text += " AND sk <= :l"
		return e, true
	}
	e.text += " AND sk BETWEEN :f AND :l"
	e.value(":f", binary(from))
	return e, true
}

// least returns the smallest sort key at or behind a bound, which may be one
// byte longer than a key. some is false when there is none.
func least(bound string) (key string, some bool) {
	if len(bound) <= table.MaxSortBytes {
		return bound, true
	}
	// Behind a longest key comes the one with its last byte raised.
	// Bytes, not characters: strings.TrimRight would take others for 0xff.
	prefix := bound[:table.MaxSortBytes]
	for strings.HasSuffix(prefix, "\xff") {
		prefix = prefix[:len(prefix)-1]
	}
	if prefix == "" {
		return "", false
	}
	return prefix[:len(prefix)-1] + string([]byte{prefix[len(prefix)-1] + 1}), true
}

// before returns the largest sort key before a bound that is not empty, or ""
// when there is none. Keys have no byte 0, so the key before "a\x01" is "a".
func before(bound string) string {
	if len(bound) > table.MaxSortBytes {
		return bound[:table.MaxSortBytes]
	}
	head, last := bound[:len(bound)-1], bound[len(bound)-1]
	if last == 1 {
		return head
	}
	return head + string([]byte{last - 1}) + strings.Repeat("\xff", table.MaxSortBytes-len(bound))
}
