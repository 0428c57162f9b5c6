package edge

import (
	"fmt"
	"strconv"
	"strings"

	waf "github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/jsii-runtime-go"
)

type (
	statement = *waf.CfnWebACL_StatementProperty
	field     = *waf.CfnWebACL_FieldToMatchProperty
)

// untouched is required everywhere, also where nothing is to be transformed.
var untouched = []any{&waf.CfnWebACL_TextTransformationProperty{Priority: jsii.Number(0), Type: jsii.String("NONE")}}

func and(s ...statement) statement {
	return &waf.CfnWebACL_StatementProperty{AndStatement: &waf.CfnWebACL_AndStatementProperty{Statements: s}}
}

func or(s ...statement) statement {
	return &waf.CfnWebACL_StatementProperty{OrStatement: &waf.CfnWebACL_OrStatementProperty{Statements: s}}
}

func not(s statement) statement {
	return &waf.CfnWebACL_StatementProperty{NotStatement: &waf.CfnWebACL_NotStatementProperty{Statement: s}}
}

func header(name string) field {
	return &waf.CfnWebACL_FieldToMatchProperty{SingleHeader: map[string]any{"Name": name}}
}

func path() field   { return &waf.CfnWebACL_FieldToMatchProperty{UriPath: map[string]any{}} }
func method() field { return &waf.CfnWebACL_FieldToMatchProperty{Method: map[string]any{}} }

// body is as much of the body as the firewall sees. More than that counts as a
// match.
func body() field {
	return &waf.CfnWebACL_FieldToMatchProperty{Body: &waf.CfnWebACL_BodyProperty{OversizeHandling: jsii.String("MATCH")}}
}

// matches holds when pattern matches f. A missing header matches nothing.
func matches(f field, pattern string) statement {
	return &waf.CfnWebACL_StatementProperty{RegexMatchStatement: &waf.CfnWebACL_RegexMatchStatementProperty{
		FieldToMatch: f, RegexString: jsii.String(pattern), TextTransformations: untouched,
	}}
}

// present holds when f has at least one byte.
func present(f field) statement {
	return &waf.CfnWebACL_StatementProperty{SizeConstraintStatement: &waf.CfnWebACL_SizeConstraintStatementProperty{
		FieldToMatch: f, ComparisonOperator: jsii.String("GT"), Size: jsii.Number(0), TextTransformations: untouched,
	}}
}

func labelled(key string) statement {
	return &waf.CfnWebACL_StatementProperty{LabelMatchStatement: &waf.CfnWebACL_LabelMatchStatementProperty{
		Scope: jsii.String("LABEL"), Key: jsii.String(key),
	}}
}

// rateWindowSeconds is how far back the firewall looks when it counts.
const rateWindowSeconds = 300

// perIP holds for addresses that sent more than limit requests, of those that
// only holds for, in five minutes.
func perIP(limit int64, only statement) statement {
	return &waf.CfnWebACL_StatementProperty{RateBasedStatement: &waf.CfnWebACL_RateBasedStatementProperty{
		AggregateKeyType: jsii.String("IP"), Limit: jsii.Number(limit),
		EvaluationWindowSec: jsii.Number(rateWindowSeconds), ScopeDownStatement: only,
	}}
}

// moreThan is a pattern for decimal numbers greater than n. The firewall
// compares sizes only of what it has inspected, the first kilobytes; what a
// body announces can be compared as text alone.
func moreThan(n int64) string {
	digits := strconv.FormatInt(n, 10)
	greater := []string{fmt.Sprintf("[1-9][0-9]{%d,}", len(digits))}
	for i, digit := range digits {
		if digit == '9' {
			continue
		}
		one := fmt.Sprintf("%s[%c-9]", digits[:i], digit+1)
		if rest := len(digits) - i - 1; rest > 0 {
			one += fmt.Sprintf("[0-9]{%d}", rest)
		}
		greater = append(greater, one)
	}
	return "^0*(" + strings.Join(greater, "|") + ")$"
}
