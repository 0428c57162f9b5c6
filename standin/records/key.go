package records

import (
	"encoding/hex"
	"maps"

	"github.com/truora/minidyn/server"
)

type (
	value = server.AttributeValue
	item  = map[string]*value
)

// key is a key of ours: table, and partition and sort key in hexadecimal, which
// minidyn keeps as strings and so orders as DynamoDB orders bytes.
type key struct {
	table, partition, sort string
}

// home is the table of minidyn that a key's partition is.
func (k key) home() string { return k.table + "/" + k.partition }

// Attributes that are the keys.
const (
	partitionKey = "pk"
	sortKey      = "sk"
)

// Longest keys, in bytes.
const (
	maxPartition = 2048
	maxSort      = 1024
)

// keyOf reads the key of an item, which may have more attributes.
func keyOf(table string, i item) (key, error) {
	p, err := keyBytes(i, partitionKey, maxPartition)
	if err != nil {
		return key{}, err
	}
	s, err := keyBytes(i, sortKey, maxSort)
	return key{table: table, partition: p, sort: s}, err
}

func keyBytes(i item, name string, most int) (string, error) {
	v := i[name]
	switch {
	case v == nil:
		return "", invalid("The provided key element does not match the schema: no %s", name)
	case len(v.B) == 0:
		return "", invalid("One or more parameter values are not valid: %s is empty or of another type than B", name)
	case len(v.B) > most:
		return "", invalid("One or more parameter values were invalid: Size of %s has exceeded the maximum size limit of %d bytes", name, most)
	}
	return hex.EncodeToString(v.B), nil
}

// exactKey reads a key that must have nothing else.
func exactKey(table string, i item) (key, error) {
	k, err := keyOf(table, i)
	if err == nil && len(i) != 2 {
		err = invalid("The provided key element does not match the schema")
	}
	return k, err
}

func text(s string) *value { return &value{S: &s} }

// inside returns an item as minidyn keeps it.
func inside(k key, i item) item {
	out := maps.Clone(i)
	out[partitionKey], out[sortKey] = text(k.partition), text(k.sort)
	return out
}

// attributes returns the key as minidyn has it.
func (k key) attributes() item { return inside(k, item{}) }

// outside returns an item of minidyn as its writer gave it.
func outside(i item) item {
	out := maps.Clone(i)
	for _, name := range []string{partitionKey, sortKey} {
		if v := i[name]; v != nil && v.S != nil {
			if b, err := hex.DecodeString(*v.S); err == nil {
				out[name] = &value{B: b}
			}
		}
	}
	return out
}

// size is what DynamoDB counts: names, bytes and digits.
func size(i item) int {
	n := 0
	for name, v := range i {
		n += len(name) + len(v.B)
		if v.S != nil {
			n += len(*v.S)
		}
		if v.N != nil {
			n += (len(*v.N)+1)/2 + 1
		}
	}
	return n
}
