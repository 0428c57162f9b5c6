package filter

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.einride.tech/aip/filtering"
	expr "google.golang.org/genproto/googleapis/api/expr/v1alpha1"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
)

// evaluate returns the value of an expression for a node: a bool, string,
// int64, float64, time.Time, time.Duration or map[string]string.
func evaluate(e *expr.Expr, node *recordv1.Node) (any, error) {
	switch kind := e.GetExprKind().(type) {
	case *expr.Expr_ConstExpr:
		return constant(kind.ConstExpr)
	case *expr.Expr_IdentExpr:
		return ident(kind.IdentExpr.GetName(), node)
	case *expr.Expr_SelectExpr:
		operand, err := evaluate(kind.SelectExpr.GetOperand(), node)
		if err != nil {
			return nil, err
		}
		labels, ok := operand.(map[string]string)
		if !ok {
			return nil, fmt.Errorf("only labels have members")
		}
		return labels[kind.SelectExpr.GetField()], nil
	case *expr.Expr_CallExpr:
		return call(kind.CallExpr, node)
	}
	return nil, fmt.Errorf("unsupported expression")
}

func constant(c *expr.Constant) (any, error) {
	switch kind := c.GetConstantKind().(type) {
	case *expr.Constant_BoolValue:
		return kind.BoolValue, nil
	case *expr.Constant_Int64Value:
		return kind.Int64Value, nil
	case *expr.Constant_DoubleValue:
		return kind.DoubleValue, nil
	case *expr.Constant_StringValue:
		return kind.StringValue, nil
	}
	return nil, fmt.Errorf("unsupported constant")
}

func ident(name string, node *recordv1.Node) (any, error) {
	switch name {
	case "display_name":
		return node.GetDisplayName(), nil
	case "size_bytes":
		return node.GetRevision().GetSizeBytes(), nil
	case "content_type":
		return node.GetRevision().GetContentType(), nil
	case "create_time":
		return time.UnixMicro(node.GetCreateMicros()), nil
	case "update_time":
		return time.UnixMicro(node.GetUpdateMicros()), nil
	case "labels":
		return node.GetLabels(), nil
	case "kind":
		return metadatav1.File_Kind(node.GetKind()).String(), nil
	}
	if _, ok := metadatav1.File_Kind_value[name]; ok {
		return name, nil
	}
	return nil, fmt.Errorf("unknown field %q", name)
}

func call(c *expr.Expr_Call, node *recordv1.Node) (any, error) {
	args := make([]any, len(c.GetArgs()))
	for i, arg := range c.GetArgs() {
		value, err := evaluate(arg, node)
		if err != nil {
			return nil, err
		}
		args[i] = value
	}
	switch function := c.GetFunction(); {
	case len(args) == 1:
		return unary(function, args[0])
	case len(args) == 2:
		return binary(function, args[0], args[1])
	}
	return nil, fmt.Errorf("unsupported call of %s", c.GetFunction())
}

func unary(function string, arg any) (any, error) {
	switch value := arg.(type) {
	case bool:
		if function == filtering.FunctionNot {
			return !value, nil
		}
	case string:
		switch function {
		case filtering.FunctionTimestamp:
			return time.Parse(time.RFC3339Nano, value)
		case filtering.FunctionDuration:
			return time.ParseDuration(value)
		}
	}
	return nil, fmt.Errorf("unsupported call of %s", function)
}

func binary(function string, a, b any) (any, error) {
	switch function {
	case filtering.FunctionAnd, filtering.FunctionFuzzyAnd, filtering.FunctionOr:
		x, okX := a.(bool)
		y, okY := b.(bool)
		if !okX || !okY {
			return nil, fmt.Errorf("%s joins conditions", function)
		}
		if function == filtering.FunctionOr {
			return x || y, nil
		}
		return x && y, nil
	case filtering.FunctionHas:
		return has(a, b)
	}
	if x, ok := a.(string); ok {
		if pattern, ok := b.(string); ok {
			switch function {
			case filtering.FunctionEquals:
				return matches(x, pattern), nil
			case filtering.FunctionNotEquals:
				return !matches(x, pattern), nil
			}
		}
	}
	order, err := compare(a, b)
	if err != nil {
		return nil, err
	}
	switch function {
	case filtering.FunctionEquals:
		return order == 0, nil
	case filtering.FunctionNotEquals:
		return order != 0, nil
	case filtering.FunctionLessThan:
		return order < 0, nil
	case filtering.FunctionLessEquals:
		return order <= 0, nil
	case filtering.FunctionGreaterThan:
		return order > 0, nil
	case filtering.FunctionGreaterEquals:
		return order >= 0, nil
	}
	return nil, fmt.Errorf("unsupported operator %s", function)
}

// has is the ":" operator: a label of that name, or a part of a text.
func has(a, b any) (any, error) {
	want, ok := b.(string)
	if !ok {
		return nil, fmt.Errorf("the right side of : must be text")
	}
	switch value := a.(type) {
	case map[string]string:
		_, found := value[want]
		return found || (want == "*" && len(value) > 0), nil
	case string:
		if want == "*" {
			return value != "", nil
		}
		return strings.Contains(value, want), nil
	}
	return nil, fmt.Errorf("the left side of : must be labels or text")
}

// matches compares text with a pattern that may begin or end with "*".
func matches(text, pattern string) bool {
	rest, open := strings.CutPrefix(pattern, "*")
	middle, tail := strings.CutSuffix(rest, "*")
	switch {
	case open && tail:
		return strings.Contains(text, middle)
	case open:
		return strings.HasSuffix(text, rest)
	case tail:
		return strings.HasPrefix(text, middle)
	}
	return text == pattern
}

func compare(a, b any) (int, error) {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), nil
		}
	case int64:
		switch y := b.(type) {
		case int64:
			return cmp.Compare(x, y), nil
		case float64:
			return cmp.Compare(float64(x), y), nil
		}
	case time.Time:
		switch y := b.(type) {
		case time.Time:
			return x.Compare(y), nil
		case string:
			parsed, err := time.Parse(time.RFC3339Nano, y)
			return x.Compare(parsed), err
		}
	}
	return 0, fmt.Errorf("%v and %v cannot be compared", a, b)
}
