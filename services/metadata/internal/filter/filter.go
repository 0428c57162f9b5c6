// Package filter decides which nodes a listing lets through, by an expression
// of google.aip.dev/160 over display_name, kind, size_bytes, content_type,
// create_time, update_time and labels:
//
//	display_name = "*.pdf" AND size_bytes > 1000000
//	kind = FOLDER OR update_time >= "2026-01-01T00:00:00Z"
//	labels.team = "design" AND NOT labels:draft
//
// A "*" at the beginning or end of a string that is compared with = or !=
// stands for any text.
package filter

import (
	"strings"

	"go.einride.tech/aip/filtering"
	expr "google.golang.org/genproto/googleapis/api/expr/v1alpha1"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
)

const (
	maxBytes = 4 << 10
	// maxDepth bounds the parentheses, since parsing is recursive.
	maxDepth = 64
	// maxConditions bounds what is looked at for each node of a listing.
	maxConditions = 64
)

// Filter is a parsed expression. The zero value lets everything through.
type Filter struct{ root *expr.Expr }

// Parse reads an expression; INVALID_ARGUMENT when it is malformed, names a
// field that there is not or compares what cannot be compared.
func Parse(text string) (*Filter, error) {
	if strings.TrimSpace(text) == "" {
		return new(Filter), nil
	}
	if len(text) > maxBytes {
		return nil, fault.Invalidf("filter", "must not be longer than %d bytes", maxBytes)
	}
	if strings.Count(text, "(") > maxDepth || strings.Count(text, "NOT") > maxDepth || strings.Count(text, "-") > maxDepth {
		return nil, fault.Invalidf("filter", "is nested too deeply")
	}
	declarations, err := filtering.NewDeclarations(
		filtering.DeclareStandardFunctions(),
		filtering.DeclareFunction(filtering.FunctionFuzzyAnd, filtering.NewFunctionOverload(
			"FUZZY_bool", filtering.TypeBool, filtering.TypeBool, filtering.TypeBool)),
		filtering.DeclareIdent("display_name", filtering.TypeString),
		filtering.DeclareIdent("size_bytes", filtering.TypeInt),
		filtering.DeclareIdent("content_type", filtering.TypeString),
		filtering.DeclareIdent("create_time", filtering.TypeTimestamp),
		filtering.DeclareIdent("update_time", filtering.TypeTimestamp),
		filtering.DeclareIdent("labels", filtering.TypeMap(filtering.TypeString, filtering.TypeString)),
		filtering.DeclareEnumIdent("kind", metadatav1.File_FILE.Type()),
	)
	if err != nil {
		return nil, err
	}
	parsed, err := filtering.ParseFilterString(text, declarations)
	if err != nil {
		return nil, fault.Invalidf("filter", "%v", err)
	}
	f := &Filter{root: parsed.CheckedExpr.GetExpr()}
	if conditions(f.root) > maxConditions {
		return nil, fault.Invalidf("filter", "holds more than %d conditions", maxConditions)
	}
	// What the grammar allows and we cannot evaluate shows on any node.
	if _, err := evaluate(f.root, new(recordv1.Node)); err != nil {
		return nil, fault.Invalidf("filter", "%v", err)
	}
	return f, nil
}

// conditions counts what evaluate has to find out, each time anew.
func conditions(e *expr.Expr) int {
	call := e.GetCallExpr()
	if call == nil {
		return 0
	}
	count := 0
	switch call.GetFunction() {
	case filtering.FunctionAnd, filtering.FunctionFuzzyAnd, filtering.FunctionOr, filtering.FunctionNot:
	default:
		count = 1
	}
	for _, arg := range call.GetArgs() {
		count += conditions(arg)
	}
	return count
}

// Matches reports whether the expression lets a node through.
func (f *Filter) Matches(node *recordv1.Node) bool {
	if f.root == nil {
		return true
	}
	value, err := evaluate(f.root, node)
	matched, ok := value.(bool)
	return err == nil && ok && matched
}
