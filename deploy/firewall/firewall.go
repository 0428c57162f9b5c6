// Package firewall decides what a web ACL, as CloudFormation has it, does with
// a request. It knows the statements the edge's firewall uses and stops at any
// other, so that a rule it can't judge fails a test instead of passing it.
package firewall

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"sort"
	"strings"
)

// Request is what the firewall sees of a request.
type Request struct {
	Method  string
	Path    string
	Query   string
	Headers map[string]string // lower-case names
	Body    string            // as much as was sent; the firewall sees its first bytes
	IP      string
}

// inspected is how much of a body the firewall sees.
const inspected = 16 << 10

// ACL is a web ACL with what it counted.
type ACL struct {
	rules  []rule
	bodies map[string]responseBody
	seen   map[string]int // requests, by rule and address

	patterns map[string]*regexp.Regexp
}

type rule struct {
	Name           string         `json:"Name"`
	Priority       int            `json:"Priority"`
	Statement      map[string]any `json:"Statement"`
	Action         map[string]any `json:"Action"`
	OverrideAction map[string]any `json:"OverrideAction"`
}

type responseBody struct {
	Content string `json:"Content"`
}

// Verdict is what became of a request.
type Verdict struct {
	Status int    // 0: let through
	Rule   string // that stopped it
	Body   string
}

// New reads the properties of an AWS::WAFv2::WebACL.
func New(properties map[string]any) (*ACL, error) {
	raw, err := json.Marshal(properties)
	if err != nil {
		return nil, fmt.Errorf("read web ACL: %w", err)
	}
	var acl struct {
		Rules                []rule                  `json:"Rules"`
		CustomResponseBodies map[string]responseBody `json:"CustomResponseBodies"`
	}
	if err := json.Unmarshal(raw, &acl); err != nil {
		return nil, fmt.Errorf("read web ACL: %w", err)
	}
	sort.Slice(acl.Rules, func(i, j int) bool { return acl.Rules[i].Priority < acl.Rules[j].Priority })
	return &ACL{rules: acl.Rules, bodies: acl.CustomResponseBodies, seen: map[string]int{}, patterns: map[string]*regexp.Regexp{}}, nil
}

// Names are the rules in the order they are asked.
func (a *ACL) Names() []string {
	var names []string
	for _, r := range a.rules {
		names = append(names, r.Name)
	}
	return names
}

// Decide asks the rules in their order. It counts the request against the rate
// rules, in one window.
func (a *ACL) Decide(request Request) Verdict {
	labels := map[string]bool{}
	for _, r := range a.rules {
		if managed, ok := r.Statement["ManagedRuleGroupStatement"].(map[string]any); ok {
			if blocked := a.managed(managed, request, labels); blocked != "" && r.OverrideAction["Count"] == nil {
				return Verdict{Status: 403, Rule: r.Name + "/" + blocked}
			}
			continue
		}
		if a.holds(r, r.Statement, request, labels) && r.Action["Block"] != nil {
			return a.answer(r)
		}
	}
	return Verdict{}
}

func (a *ACL) answer(r rule) Verdict {
	block := r.Action["Block"].(map[string]any)
	response := block["CustomResponse"].(map[string]any)
	return Verdict{
		Status: int(response["ResponseCode"].(float64)), Rule: r.Name,
		Body: a.bodies[response["CustomResponseBodyKey"].(string)].Content,
	}
}

// holds evaluates one statement.
func (a *ACL) holds(r rule, statement map[string]any, request Request, labels map[string]bool) bool {
	for kind, v := range statement {
		s := v.(map[string]any)
		sub := func(v any) bool { return a.holds(r, v.(map[string]any), request, labels) }
		switch kind {
		case "AndStatement":
			for _, one := range s["Statements"].([]any) {
				if !sub(one) {
					return false
				}
			}
			return true
		case "OrStatement":
			for _, one := range s["Statements"].([]any) {
				if sub(one) {
					return true
				}
			}
			return false
		case "NotStatement":
			return !sub(s["Statement"])
		case "LabelMatchStatement":
			return labels[s["Key"].(string)]
		case "RegexMatchStatement":
			value, there, _ := field(s["FieldToMatch"], request)
			return there && a.pattern(s["RegexString"].(string)).MatchString(value)
		case "SizeConstraintStatement":
			return sized(s, request)
		case "RateBasedStatement":
			if only, ok := s["ScopeDownStatement"]; ok && !sub(only) {
				return false
			}
			a.seen[r.Name+" "+request.IP]++
			return a.seen[r.Name+" "+request.IP] > int(s["Limit"].(float64))
		}
		panic("firewall: " + r.Name + " uses " + kind + ", which is not understood")
	}
	return false
}

func (a *ACL) pattern(text string) *regexp.Regexp {
	if a.patterns[text] == nil {
		a.patterns[text] = regexp.MustCompile(text)
	}
	return a.patterns[text]
}

// sized evaluates a size constraint. A body longer than what is inspected
// matches when the statement says so, whatever the size asked for.
func sized(s map[string]any, request Request) bool {
	value, there, oversize := field(s["FieldToMatch"], request)
	if !there {
		return false
	}
	if oversize != "" && len(value) > inspected {
		return oversize == "MATCH"
	}
	limit := int(s["Size"].(float64))
	switch operator := s["ComparisonOperator"].(string); operator {
	case "GT":
		return len(value) > limit
	case "LE":
		return len(value) <= limit
	default:
		panic("firewall: comparison " + operator + " is not understood")
	}
}

// field is the part of a request a statement looks at, whether it is there, and
// for a body what happens when it is too long to be inspected.
func field(f any, request Request) (value string, there bool, oversize string) {
	for kind, v := range f.(map[string]any) {
		switch kind {
		case "UriPath":
			return request.Path, true, ""
		case "Method":
			return request.Method, true, ""
		case "Body":
			body := v.(map[string]any)
			return request.Body, true, body["OversizeHandling"].(string)
		case "SingleHeader":
			value, there = request.Headers[strings.ToLower(v.(map[string]any)["Name"].(string))]
			return value, there, ""
		default:
			panic("firewall: field " + kind + " is not understood")
		}
	}
	return "", false, ""
}

// decoded is a request's part as managed rules read it, percent-decoded.
func decoded(part string) string {
	if plain, err := url.QueryUnescape(part); err == nil {
		return plain
	}
	return part
}
