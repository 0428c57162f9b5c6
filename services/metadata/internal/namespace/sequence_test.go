package namespace_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-files/holdfast/services/metadata/internal/memtable"
)

// TestSequences compares sequences of operations with the model, one at a time,
// with sweeps in between; rapid makes them up, and a shorter one of one that
// fails.
func TestSequences(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := &clock{now: plantTime}
		w := openWorld(t, memtable.New(c.Now), c)
		top := w.mkdir(root, "top")
		state := newState(map[string]modelNode{})
		ids := []string{top.GetName()}
		name := rapid.SampledFrom([]string{"a", "b", "ä"})
		for range rapid.IntRange(1, 60).Draw(r, "length") {
			in := asked{
				do:      action(rapid.IntRange(0, int(actions)-1).Draw(r, "action")),
				id:      rapid.SampledFrom(ids).Draw(r, "node"),
				folder:  rapid.SampledFrom(ids).Draw(r, "folder"),
				name:    name.Draw(r, "name"),
				content: fmt.Sprint(rapid.IntRange(0, 9).Draw(r, "content")),
			}
			for range rapid.IntRange(1, 4).Draw(r, "depth") {
				in.path += "/" + name.Draw(r, "step")
			}
			if in.id == top.GetName() && in.do != putFile && in.do != makeDir && in.do != lookUp && in.do != listDir {
				continue // the model's root is not one of its nodes
			}
			out := perform(w, in, "top")
			ok, next := step(state, in.under(top.GetName()), out.under(top.GetName()))
			if !ok {
				r.Fatalf("%+v\ngot %+v\nin a state of\n%s", in, out, state.text)
			}
			state = next
			if out.id != "" && !slices.Contains(ids, out.id) {
				ids = append(ids, out.id)
			}
			if rapid.IntRange(0, 9).Draw(r, "sweep") == 0 {
				if err := w.sweepOnce(0); err != nil {
					r.Fatal(err)
				}
			}
		}
		w.audit()
		w.auditTree()
		if t.Failed() {
			r.Fatal("see above")
		}
	})
}
