package firewall

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Mutant is a web ACL with one thing changed.
type Mutant struct {
	Name       string // UploadTooLarge: counts only
	Properties map[string]any
}

// Mutants are the web ACL with each rule removed, counting only or asked first
// or last, each condition taken away or weakened, and each managed rule that is relaxed
// taken back and the other way round.
func Mutants(properties map[string]any) []Mutant {
	var all []Mutant
	for i, v := range properties["Rules"].([]any) {
		rule := v.(map[string]any)
		change := func(what string, f func(rule map[string]any)) {
			copied := clone(properties)
			f(copied["Rules"].([]any)[i].(map[string]any))
			all = append(all, Mutant{fmt.Sprint(rule["Name"], ": ", what), copied})
		}
		change("removed", func(r map[string]any) { r["Statement"] = never })
		change("asked first", func(r map[string]any) { r["Priority"] = -1.0 })
		change("asked last", func(r map[string]any) { r["Priority"] = 1000.0 })
		if rule["Action"] != nil {
			change("counts only", func(r map[string]any) { r["Action"] = map[string]any{"Count": map[string]any{}} })
		} else {
			change("counts only", func(r map[string]any) { r["OverrideAction"] = map[string]any{"Count": map[string]any{}} })
		}
		for _, c := range weaken(rule["Statement"].(map[string]any), nil) {
			change(c.what, func(r map[string]any) {
				statement := r["Statement"].(map[string]any)
				for _, step := range c.at {
					statement = step(statement)
				}
				c.f(statement)
			})
		}
	}
	return all
}

// never is a statement that holds for nothing.
var never = map[string]any{"OrStatement": map[string]any{"Statements": []any{}}}

// change is one of a statement that is some steps inside a rule's.
type change struct {
	what string
	at   []func(map[string]any) map[string]any
	f    func(statement map[string]any)
}

// weaken lists changes of a statement and of those in it.
func weaken(statement map[string]any, at []func(map[string]any) map[string]any) []change {
	var all []change
	for kind, v := range statement {
		s := v.(map[string]any)
		add := func(what string, f func(s map[string]any)) {
			what = fmt.Sprint(kind, " ", len(at), " ", what)
			all = append(all, change{what, at, func(statement map[string]any) { f(statement[kind].(map[string]any)) }})
		}
		inside := func(step func(s map[string]any) map[string]any, inner any) {
			deeper := append(slices.Clone(at), func(statement map[string]any) map[string]any { return step(statement[kind].(map[string]any)) })
			all = append(all, weaken(inner.(map[string]any), deeper)...)
		}
		switch kind {
		case "AndStatement", "OrStatement":
			for i, one := range s["Statements"].([]any) {
				add(fmt.Sprint("without ", i, label(one)), func(s map[string]any) { s["Statements"] = slices.Delete(s["Statements"].([]any), i, i+1) })
				inside(func(s map[string]any) map[string]any { return s["Statements"].([]any)[i].(map[string]any) }, one)
			}
		case "NotStatement":
			all = append(all, change{"not turned round", at, func(statement map[string]any) {
				inner := statement[kind].(map[string]any)["Statement"].(map[string]any)
				delete(statement, kind)
				maps.Copy(statement, inner)
			}})
			inside(func(s map[string]any) map[string]any { return s["Statement"].(map[string]any) }, s["Statement"])
		case "RegexMatchStatement":
			add("matching nothing", func(s map[string]any) { s["RegexString"] = "^$x" })
			add("matching anything", func(s map[string]any) { s["RegexString"] = "" })
		case "SizeConstraintStatement":
			add("of more than a thousand", func(s map[string]any) { s["Size"] = 1000.0 })
		case "RateBasedStatement":
			add("twice as much", func(s map[string]any) { s["Limit"] = 2 * s["Limit"].(float64) })
			if s["ScopeDownStatement"] != nil {
				add("of everything", func(s map[string]any) { delete(s, "ScopeDownStatement") })
			}
		case "ManagedRuleGroupStatement":
			for _, c := range relax(s) {
				add(c.what, c.f)
			}
		}
	}
	return all
}

// label is the label a statement asks for, to tell mutants apart.
func label(statement any) string {
	if s, ok := statement.(map[string]any)["LabelMatchStatement"].(map[string]any); ok {
		return fmt.Sprint(" ", s["Key"])
	}
	return ""
}

// relax lists the rules of a managed group that the samples know, each relaxed
// if it blocks and in force if it is relaxed.
func relax(group map[string]any) []change {
	var all []change
	overrides, _ := group["RuleActionOverrides"].([]any)
	for _, sample := range samples {
		if sample.group != group["Name"] {
			continue
		}
		named := func(v any) bool { return v.(map[string]any)["Name"] == sample.rule }
		if slices.ContainsFunc(overrides, named) {
			all = append(all, change{what: "with " + sample.rule + " in force", f: func(s map[string]any) {
				s["RuleActionOverrides"] = slices.DeleteFunc(s["RuleActionOverrides"].([]any), named)
			}})
			continue
		}
		all = append(all, change{what: "without " + sample.rule, f: func(s map[string]any) {
			list, _ := s["RuleActionOverrides"].([]any)
			s["RuleActionOverrides"] = append(list, map[string]any{
				"Name": sample.rule, "ActionToUse": map[string]any{"Count": map[string]any{}},
			})
		}})
	}
	return all
}

// clone copies what came from JSON.
func clone(properties map[string]any) map[string]any {
	raw, err := json.Marshal(properties)
	if err != nil {
		panic(err)
	}
	var copied map[string]any
	if err := json.Unmarshal(raw, &copied); err != nil {
		panic(err)
	}
	return copied
}
