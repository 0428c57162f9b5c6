package dynamotable

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Attributes of an item; deploy makes the table with the first two and ttl.
const (
	attrPartition = "pk"
	attrSort      = "sk"
	attrValue     = "v"
	attrTag       = "t"
	attrMark      = "w"
	attrLarge     = "x"   // there when no numbers can be added
	attrExpires   = "ttl" // seconds since the epoch
	numberPrefix  = "n:"
)

type attributes = map[string]types.AttributeValue

func binary(s string) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(s)} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func keyOf(k table.Key) attributes {
	return attributes{attrPartition: binary(k.Partition), attrSort: binary(k.Sort)}
}

// encode returns the attributes of an item. What is empty has none: DynamoDB
// would count its name.
func encode(i table.Item, mark string) attributes {
	a := keyOf(i.Key)
	a[attrMark] = binary(mark)
	if len(i.Value) > 0 {
		a[attrValue] = &types.AttributeValueMemberB{Value: i.Value}
	}
	if table.Size(i) > table.MaxItemBytes-roomForNumbers {
		a[attrLarge] = number(1)
	}
	if i.Tag != "" {
		a[attrTag] = binary(i.Tag)
	}
	if !i.Expires.IsZero() {
		a[attrExpires] = number(seconds(i.Expires))
	}
	for name, n := range i.Numbers {
		a[numberPrefix+name] = number(n)
	}
	return a
}

// seconds rounds up: an item must not go before it has expired.
func seconds(t time.Time) int64 {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}

// decode reads an item. Attributes that are none of ours are left out;
// those of ours with another type are DATA_LOSS.
func decode(a attributes) (table.Item, error) {
	i := table.Item{}
	var err error
	bytes := func(name string) []byte {
		switch v := a[name].(type) {
		case *types.AttributeValueMemberB:
			return v.Value
		case nil:
			return nil
		}
		err = errDamaged(name)
		return nil
	}
	count := func(name string) int64 {
		if v, ok := a[name].(*types.AttributeValueMemberN); ok {
			if n, parsed := strconv.ParseInt(v.Value, 10, 64); parsed == nil {
				return n
			}
		}
		err = errDamaged(name)
		return 0
	}
	i.Key = table.Key{Partition: string(bytes(attrPartition)), Sort: string(bytes(attrSort))}
	i.Value, i.Tag = bytes(attrValue), string(bytes(attrTag))
	if _, ok := a[attrExpires]; ok {
		i.Expires = time.Unix(count(attrExpires), 0)
	}
	for attr := range a {
		if name, ok := strings.CutPrefix(attr, numberPrefix); ok {
			if i.Numbers == nil {
				i.Numbers = make(map[string]int64)
			}
			i.Numbers[name] = count(attr)
		}
	}
	return i, err
}

// markOf returns the mark of the commit that wrote an item.
func markOf(a attributes) string {
	if v, ok := a[attrMark].(*types.AttributeValueMemberB); ok {
		return string(v.Value)
	}
	return ""
}

func errDamaged(attribute string) error {
	return fault.New(errorsv1.Reason_REASON_DATA_LOSS, "attribute %q of a record is not as it was written", attribute)
}
