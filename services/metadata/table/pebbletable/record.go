package pebbletable

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// A record is what lies under an item's key:
//
//	version  1 byte
//	tag      uvarint length, bytes
//	expires  uvarint unix seconds; 0 is never
//	numbers  uvarint count, then for each, by name: uvarint length, name, varint value
//	value    the rest
//
// Checksums are Pebble's: every block of its files has one.
const recordVersion = 1

var errRecord = errors.New("malformed record")

// record is a parsed record; it shares the memory of what it was parsed from.
type record struct {
	tag     []byte
	expires int64
	numbers []number
	value   []byte
}

type number struct {
	name  string
	value int64
}

// recordOf returns the record of an item. A fraction of a second in Expires is
// rounded up: no item goes early.
func recordOf(i table.Item) record {
	r := record{tag: []byte(i.Tag), expires: expirySeconds(i.Expires), value: i.Value}
	for name, value := range i.Numbers {
		r.numbers = append(r.numbers, number{name, value})
	}
	slices.SortFunc(r.numbers, func(a, b number) int { return strings.Compare(a.name, b.name) })
	return r
}

func expirySeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}

func (r record) append(b []byte) []byte {
	b = append(b, recordVersion)
	b = binary.AppendUvarint(b, uint64(len(r.tag)))
	b = append(b, r.tag...)
	b = binary.AppendUvarint(b, uint64(r.expires))
	b = binary.AppendUvarint(b, uint64(len(r.numbers)))
	for _, n := range r.numbers {
		b = binary.AppendUvarint(b, uint64(len(n.name)))
		b = append(b, n.name...)
		b = binary.AppendVarint(b, n.value)
	}
	return append(b, r.value...)
}

// parseRecord fails with errRecord for what no record looks like.
func parseRecord(b []byte) (record, error) {
	d := decoder{rest: b, ok: true}
	if v := d.bytes(1); !d.ok || v[0] != recordVersion {
		return record{}, errRecord
	}
	var r record
	r.tag = d.bytes(d.uvarint())
	r.expires = int64(d.uvarint())
	if n := d.uvarint(); n > 0 {
		r.numbers = d.numbers(n)
	}
	r.value = d.rest
	if !d.ok || r.expires < 0 {
		return record{}, errRecord
	}
	return r, nil
}

// size is table.Size of the item under an encoded key.
func (r record) size(key []byte) int {
	n := len(key) - len("\x01\x00") + len(r.value) + len(r.tag)
	for _, m := range r.numbers {
		n += len(m.name) + table.NumberBytes
	}
	return n
}

// item returns the item of a record that the caller owns.
func (r record) item(k table.Key) table.Item {
	i := table.Item{Key: k, Value: r.value, Tag: string(r.tag)}
	if r.expires != 0 {
		i.Expires = time.Unix(r.expires, 0).UTC()
	}
	if len(r.numbers) > 0 {
		i.Numbers = make(map[string]int64, len(r.numbers))
		for _, n := range r.numbers {
			i.Numbers[n.name] = n.value
		}
	}
	return i
}

// decoder takes a record apart. Once something does not fit, ok is false and
// nothing is left.
type decoder struct {
	rest []byte
	ok   bool
}

func (d *decoder) fail() { *d = decoder{} }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) numbers(n uint64) []number {
	if n > uint64(len(d.rest))/2 { // a number takes two bytes at least
		d.fail()
		return nil
	}
	numbers := make([]number, n)
	for i := range numbers {
		numbers[i] = number{name: string(d.bytes(d.uvarint())), value: d.varint()}
	}
	return numbers
}
