package reach

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// policies changes every statement of every policy document in the resource,
// wherever in it the document is.
func (m *mutator) policies() {
	for _, at := range documents(m.resource.Properties, nil) {
		m.change(fmt.Sprint(at[0], " with a statement for everybody"), func(p map[string]any) {
			document := lookup(p, at)
			document["Statement"] = append(document["Statement"].([]any), map[string]any{
				"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
			})
		})
		// Named after the property the document is in: Policies 2 removed.
		statements := lookup(m.resource.Properties, at)["Statement"].([]any)
		for i := range statements {
			m.statement(at, i, statements[i].(map[string]any))
		}
	}
}

func (m *mutator) statement(at []any, i int, original map[string]any) {
	name := fmt.Sprintf("%v %d ", at[0], i)
	change := func(what string, f func(s map[string]any)) {
		m.change(name+what, func(p map[string]any) {
			f(lookup(p, at)["Statement"].([]any)[i].(map[string]any))
		})
	}
	m.change(name+"removed", func(p map[string]any) {
		document := lookup(p, at)
		list := document["Statement"].([]any)
		document["Statement"] = append(append([]any{}, list[:i]...), list[i+1:]...)
	})
	effect := "Allow"
	if original["Effect"] == effect {
		effect = "Deny"
	}
	change("turned into "+effect, func(s map[string]any) { s["Effect"] = effect })
	if text := fmt.Sprint(original["Action"]); text != "*" {
		change("widened to all actions", func(s map[string]any) { s["Action"] = "*" })
	}
	change("turned round", func(s map[string]any) {
		s["NotAction"] = s["Action"]
		delete(s, "Action")
	})
	if original["Resource"] != nil && original["Resource"] != "*" {
		change("widened to all resources", func(s map[string]any) { s["Resource"] = "*" })
		now := m.w.text(m.w.stacks[m.stack], original["Resource"])
		for _, store := range m.w.stores() {
			if store.arn == now {
				continue
			}
			change("redirected to "+store.id, func(s map[string]any) { s["Resource"] = store.arn })
		}
	}
	if original["Condition"] != nil {
		change("without its condition", func(s map[string]any) { delete(s, "Condition") })
	}
	if principal, ok := original["Principal"].(map[string]any); ok && fmt.Sprint(principal["AWS"]) != "*" {
		change("widened to all principals", func(s map[string]any) { s["Principal"] = map[string]any{"AWS": "*"} })
	}
	for _, action := range actions(original) {
		change("without "+action, func(s map[string]any) {
			var kept []any
			for _, other := range s["Action"].([]any) {
				if other != action {
					kept = append(kept, other)
				}
			}
			s["Action"] = kept
		})
	}
}

// actions are those of a statement that has several.
func actions(s map[string]any) []string {
	var all []string
	list, _ := s["Action"].([]any)
	for _, action := range list {
		all = append(all, action.(string))
	}
	return all
}

// documents finds the policy documents in v: the paths of everything with a
// list of statements.
func documents(v any, at []any) [][]any {
	var all [][]any
	switch v := v.(type) {
	case map[string]any:
		if list, ok := v["Statement"].([]any); ok && len(list) > 0 && isStatement(list[0]) {
			return [][]any{at}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, documents(v[key], append(append([]any{}, at...), key))...)
		}
	case []any:
		for i, item := range v {
			all = append(all, documents(item, append(append([]any{}, at...), i))...)
		}
	}
	return all
}

func isStatement(v any) bool {
	m, ok := v.(map[string]any)
	return ok && strings.Contains("Allow Deny", fmt.Sprint(m["Effect"]))
}

func lookup(v any, at []any) map[string]any {
	for _, step := range at {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v.(map[string]any)
}
