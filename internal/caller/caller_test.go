package caller_test

import (
	"context"
	"testing"

	"github.com/holdfast-files/holdfast/internal/caller"
)

func TestFrom(t *testing.T) {
	if got := caller.From(t.Context()); got != (caller.Caller{}) {
		t.Errorf("got %+v of nobody", got)
	}
	first := caller.Caller{Authorization: "Bearer x", RequestID: "1", Address: "203.0.113.9"}
	outer := caller.With(t.Context(), first)
	inner, cancel := context.WithCancel(caller.With(outer, caller.Caller{RequestID: "2"}))
	defer cancel()
	if got := caller.From(inner); got != (caller.Caller{RequestID: "2"}) {
		t.Errorf("got %+v", got)
	}
	if got := caller.From(outer); got != first {
		t.Errorf("got %+v", got)
	}
}
