package lifecycle_test

import (
	"slices"
	"testing"

	"github.com/holdfast-files/holdfast/internal/lifecycle"
)

func TestReadiness(t *testing.T) {
	var r lifecycle.Readiness
	if r.Ready() {
		t.Error("the zero value is ready")
	}
	var seen, late []bool
	r.Watch(func(ready bool) { seen = append(seen, ready) })
	r.Set(true)
	r.Set(true)
	r.Watch(func(ready bool) { late = append(late, ready) })
	if !r.Ready() {
		t.Error("not ready after Set")
	}
	r.Set(false)
	if want := []bool{false, true, false}; !slices.Equal(seen, want) {
		t.Errorf("the watcher saw %v, want %v", seen, want)
	}
	if want := []bool{true, false}; !slices.Equal(late, want) {
		t.Errorf("the late watcher saw %v, want %v", late, want)
	}
}
