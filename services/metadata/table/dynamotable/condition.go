package dynamotable

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// expression is an expression of DynamoDB with what its placeholders stand for.
type expression struct {
	text   string
	names  map[string]string
	values attributes
}

// pointer returns the text, nil when there is none.
func (e *expression) pointer() *string {
	if e.text == "" {
		return nil
	}
	return aws.String(e.text)
}

func (e *expression) name(placeholder, attribute string) {
	if e.names == nil {
		e.names = make(map[string]string)
	}
	e.names[placeholder] = attribute
}

func (e *expression) value(placeholder string, v types.AttributeValue) {
	if e.values == nil {
		e.values = make(attributes)
	}
	e.values[placeholder] = v
}

func (e *expression) and(format string, args ...any) {
	if e.text != "" {
		e.text += " AND "
	}
	e.text += fmt.Sprintf(format, args...)
}

// condition returns what a condition is in DynamoDB.
func condition(c table.Cond) (e expression) {
	switch c.Kind() {
	case table.CondAbsent:
		e.text = "attribute_not_exists(pk)"
	case table.CondPresent:
		e.text = "attribute_exists(pk)"
	case table.CondTag:
		if c.Tag() == "" {
			e.text = "attribute_exists(pk) AND attribute_not_exists(#t)"
		} else {
			e.text = "#t = :t"
			e.value(":t", binary(c.Tag()))
		}
		e.name("#t", attrTag)
	}
	return e
}

// roomForNumbers is how far below MaxItemBytes an item must be for numbers to be
// added to it. DynamoDB does not know what table.Size counts, so this is decided
// when the item is put, by the attribute attrLarge.
const roomForNumbers = 8 << 10

// increase returns the update of an Add and its condition: that every sum
// keeps its floor, and fits into 64 bits.
func increase(w *table.Write, mark string) (update string, cond expression) {
	cond.name("#x", attrLarge)
	cond.name("#w", attrMark)
	cond.value(":w", binary(mark))
	cond.and("attribute_not_exists(#x)")
	var adds []string
	for i, a := range w.Adds {
		name, delta := fmt.Sprintf("#n%d", i), fmt.Sprintf(":n%d", i)
		cond.name(name, numberPrefix+a.Name)
		cond.value(delta, number(a.Delta))
		adds = append(adds, name+" "+delta)
		if least := difference(a.Floor, a.Delta); least.Cmp(big.NewInt(math.MinInt64)) > 0 {
			bound := fmt.Sprintf(":l%d", i)
			cond.value(bound, &types.AttributeValueMemberN{Value: least.String()})
			if least.Sign() <= 0 { // a number that is not there is 0
				cond.and("(attribute_not_exists(%s) OR %s >= %s)", name, name, bound)
			} else {
				cond.and("%s >= %s", name, bound)
			}
		}
		if a.Delta > 0 {
			bound := fmt.Sprintf(":m%d", i)
			cond.value(bound, number(math.MaxInt64-a.Delta))
			cond.and("(attribute_not_exists(%s) OR %s <= %s)", name, name, bound)
		}
	}
	return "SET #w = :w ADD " + strings.Join(adds, ", "), cond
}

// refused tells why the condition of an Add did not hold: nil when a sum would
// be below its floor, else what breaks the contract.
func refused(w *table.Write, there attributes) error {
	item, err := decode(there)
	if err != nil {
		return err
	}
	for _, a := range w.Adds {
		sum := new(big.Int).Add(big.NewInt(item.Numbers[a.Name]), big.NewInt(a.Delta))
		if !sum.IsInt64() {
			return fmt.Errorf("%w: number %q overflows", table.ErrInvalid, a.Name)
		}
		if sum.Int64() < a.Floor {
			return nil
		}
	}
	if _, large := there[attrLarge]; large {
		return fmt.Errorf("%w: item of %d bytes is too large to add numbers to", table.ErrInvalid, table.Size(item))
	}
	return nil
}

func difference(a, b int64) *big.Int { return new(big.Int).Sub(big.NewInt(a), big.NewInt(b)) }
