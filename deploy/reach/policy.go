package reach

import (
	"fmt"
	"slices"
	"strings"
)

// statement is one statement of a policy, resolved and sorted.
type statement struct {
	holder     string // the resource the policy belongs to
	kind       string // may: of a role; trust: who becomes it; policy: of a resource
	effect     string
	principals []string
	actions    []string
	resources  []string
	conditions map[string]map[string][]string // operator, key, values
	from       string                         // the policy it is from, if that is kept elsewhere

	calls, exceptCalls []string // the actions, without regard to case

	// NotPrincipal, NotAction and NotResource: what the statement leaves out.
	exceptPrincipals, exceptActions, exceptResources []string
}

func newStatement(kind, holder string, p properties) statement {
	s := statement{
		kind: kind, holder: holder, effect: p.text("Effect"), conditions: map[string]map[string][]string{},
		principals: principals(p, "Principal"), exceptPrincipals: principals(p, "NotPrincipal"),
		actions: p.texts("Action"), exceptActions: p.texts("NotAction"),
		resources: p.texts("Resource"), exceptResources: p.texts("NotResource"),
	}
	if operators, ok := p.raw("Condition").(map[string]any); ok {
		for operator := range operators {
			keys, _ := p.raw("Condition", operator).(map[string]any)
			s.conditions[operator] = map[string][]string{}
			for key := range keys {
				s.conditions[operator][key] = p.texts("Condition", operator, key)
			}
		}
	}
	for _, list := range [][]string{s.principals, s.actions, s.resources, s.exceptPrincipals, s.exceptActions, s.exceptResources} {
		slices.Sort(list)
	}
	s.calls, s.exceptCalls = folded(s.actions), folded(s.exceptActions)
	return s
}

// principals are "*" or, each, what it is and who: "AWS *", "Service
// logs.amazonaws.com".
func principals(p properties, key string) []string {
	kinds, ok := p.raw(key).(map[string]any)
	if !ok {
		return p.texts(key)
	}
	var all []string
	for kind := range kinds {
		all = append(all, marked(kind+" ", p.texts(key, kind))...)
	}
	return all
}

func marked(mark string, values []string) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = mark + value
	}
	return all
}

// mayConcern tells whether the statement speaks of action on anything that
// pattern matches. Grants are read that way: a grant on a part of a store is a
// grant.
func (s *statement) mayConcern(action, pattern string) bool {
	return mayName(s.calls, s.exceptCalls, strings.ToLower(action)) && mayName(s.resources, s.exceptResources, pattern)
}

func mayName(list, except []string, value string) bool {
	if len(list) == 0 {
		return !mustName(except, value)
	}
	return slices.ContainsFunc(list, func(p string) bool { return overlaps(p, value) })
}

// mustConcern tells whether the statement speaks of action on everything that
// pattern matches. Denials are read that way.
func (s *statement) mustConcern(action, pattern string) bool {
	return mustName(s.calls, strings.ToLower(action)) && mustName(s.resources, pattern)
}

func mustName(list []string, value string) bool {
	// What * stands for in value is matched by another * alone.
	whole := strings.ReplaceAll(value, "*", unlikely)
	return slices.ContainsFunc(list, func(p string) bool { return overlaps(p, whole) })
}

// unlikely is longer than any number of ? somebody would write.
var unlikely = strings.Repeat("\x00", 64)

// folded are actions without regard to case.
func folded(actions []string) []string {
	all := make([]string, len(actions))
	for i, action := range actions {
		all[i] = strings.ToLower(action)
	}
	return all
}

// holds evaluates the conditions of a denial. One that can't be evaluated
// doesn't hold: a denial is relied on only where it is certain.
func (s *statement) holds(context map[string]string) bool {
	for operator, keys := range s.conditions {
		for key, values := range keys {
			have, known := context[key]
			in := slices.Contains(values, have)
			like := slices.ContainsFunc(values, func(pattern string) bool { return overlaps(pattern, have) })
			switch operator {
			case "StringEquals", "Bool":
				if !known || !in {
					return false
				}
			case "ArnEquals", "ArnLike", "StringLike":
				if !known || !like {
					return false
				}
			case "StringNotEquals":
				if in {
					return false
				}
			case "ArnNotEquals", "ArnNotLike", "StringNotLike":
				if known && like {
					return false
				}
			case "NumericLessThan":
				if !known || have >= values[0] {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}

// mayHold tells whether the conditions of a grant can hold. Only one that is
// certain to fail counts.
func (s *statement) mayHold(context map[string]string) bool {
	for operator, keys := range s.conditions {
		for key, values := range keys {
			have, known := context[key]
			like := slices.ContainsFunc(values, func(pattern string) bool { return overlaps(pattern, have) })
			if known && !like && slices.Contains([]string{"StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool"}, operator) {
				return false
			}
		}
	}
	return true
}

// String is the statement as a fact.
func (s statement) String() string {
	line := fmt.Sprintf("%s %s: %s", s.kind, s.holder, strings.ToLower(s.effect))
	list := func(before string, values []string, after string) {
		if len(values) > 0 {
			line += before + strings.Join(values, map[bool]string{true: ", ", false: " "}[after != ""]) + after
		}
	}
	list(" {", s.principals, "}")
	list(" {all but ", s.exceptPrincipals, "}")
	list(" ", s.actions, "")
	list(" all but ", s.exceptActions, "")
	list(" on ", s.resources, "")
	list(" on all but ", s.exceptResources, "")
	if s.from != "" {
		line += " by " + s.from
	}
	var conditions []string
	for operator, keys := range s.conditions {
		for key, values := range keys {
			conditions = append(conditions, fmt.Sprintf("%s %s %s", key, operator, strings.Join(values, "|")))
		}
	}
	slices.Sort(conditions)
	if len(conditions) > 0 {
		line += " if " + strings.Join(conditions, " and ")
	}
	return line
}
