package records

import (
	"context"
	"math/big"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/truora/minidyn/server"
)

// minidyn computes in float64, which holds integers up to this.
var exactFloat = new(big.Int).Lsh(big.NewInt(1), 53)

// sums are the numbers of items that an update of minidyn gets wrong.
type sums map[key]map[string]string

// sums computes what the ADD of updates comes to where float64 can't.
func (s *Server) sums(writes []server.TransactWriteItem, keys []key) (sums, error) {
	wrong := sums{}
	for i, w := range writes {
		if w.Update == nil {
			continue
		}
		old, err := s.there(keys[i])
		if err != nil {
			return nil, err
		}
		numbers := map[string]string{}
		for name, v := range old {
			if v.N != nil && large(*v.N) {
				numbers[name] = *v.N
			}
		}
		for name, delta := range additions(w.Update) {
			sum := new(big.Int)
			if v := old[name]; v != nil && v.N != nil {
				sum.SetString(*v.N, 10)
			}
			n, ok := new(big.Int).SetString(delta, 10)
			if !ok {
				return nil, invalid("ADD of %q", delta)
			}
			if sum.Add(sum, n); sum.CmpAbs(exactFloat) > 0 || large(delta) || numbers[name] != "" {
				numbers[name] = sum.String()
			}
		}
		if len(numbers) > 0 {
			wrong[keys[i]] = numbers
		}
	}
	return wrong, nil
}

func large(n string) bool {
	i, ok := new(big.Int).SetString(n, 10)
	return ok && i.CmpAbs(exactFloat) > 0
}

// additions returns the attributes of an ADD clause with what is added.
func additions(u *server.Update) map[string]string {
	_, clause, _ := strings.Cut(aws.ToString(u.UpdateExpression), "ADD ")
	added := map[string]string{}
	for part := range strings.SplitSeq(clause, ",") {
		fields := strings.Fields(part)
		if len(fields) != 2 {
			continue
		}
		name := fields[0]
		if alias, ok := u.ExpressionAttributeNames[name]; ok {
			name = alias
		}
		if v := u.ExpressionAttributeValues[fields[1]]; v != nil && v.N != nil {
			added[name] = *v.N
		}
	}
	return added
}

// exact puts right what an update got wrong.
func (s *Server) exact(wrong sums) error {
	for k, numbers := range wrong {
		i, err := s.there(k)
		if err != nil {
			return err
		}
		for name, n := range numbers {
			i[name] = &value{N: &n}
		}
		_, err = s.engine.PutItem(context.Background(), &server.PutItemInput{TableName: aws.String(k.home()), Item: i})
		if err != nil {
			return err
		}
	}
	return nil
}
