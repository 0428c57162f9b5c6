package reach

import "slices"

// Facts is who reaches whom and what, sorted: the small table.
func (w World) Facts() []string {
	n := w.network()
	return sorted(slices.Concat(n.connections(), n.halves(), n.placements(), n.data(), w.forwards(), w.addresses(), w.tasks(), w.copies(), w.unjudged()))
}

// Policies is every statement of every policy, sorted: what the facts about
// data rest on.
func (w World) Policies() []string {
	var facts []string
	for _, s := range w.statements() {
		facts = append(facts, s.String())
	}
	return sorted(facts)
}

func sorted(facts []string) []string {
	slices.Sort(facts)
	return slices.Compact(facts)
}

// Diff is what is in one list of facts and not in the other.
func Diff(want, got []string) (missing, extra []string) {
	for _, fact := range want {
		if _, ok := slices.BinarySearch(got, fact); !ok {
			missing = append(missing, fact)
		}
	}
	for _, fact := range got {
		if _, ok := slices.BinarySearch(want, fact); !ok {
			extra = append(extra, fact)
		}
	}
	return missing, extra
}
