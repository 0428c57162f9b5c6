package seal_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/internal/seal"
)

// TestRotation changes a key in three steps, with the tasks of a step beside those
// of the one before: what one has sealed the other opens.
func TestRotation(t *testing.T) {
	steps := []seal.Ring{seal.RingOf("old"), seal.RingOf("old new"), seal.RingOf("new\nold\n"), seal.RingOf("new")}
	for i := 1; i < len(steps); i++ {
		for _, pair := range [][2]seal.Ring{{steps[i-1], steps[i]}, {steps[i], steps[i-1]}} {
			sealed := pair[0].Seal("p", []byte("x"))
			if got, err := pair[1].Open("p", sealed); err != nil || string(got) != "x" {
				t.Errorf("step %d: opened %q, %v", i, got, err)
			}
			if got, err := pair[1].OpenText("p", base64.RawURLEncoding.EncodeToString(sealed)); err != nil || got != "x" {
				t.Errorf("step %d: opened %q in text, %v", i, got, err)
			}
			if got, err := pair[1].Reveal("p", pair[0].Hide("p", []byte("x"))); err != nil || string(got) != "x" {
				t.Errorf("step %d: revealed %q, %v", i, got, err)
			}
		}
	}
	first, last := steps[0], steps[3]
	if _, err := last.Open("p", first.Seal("p", nil)); !errors.Is(err, seal.ErrForged) {
		t.Errorf("a key that is gone opens: %v", err)
	}
	if _, err := last.Reveal("p", first.Hide("p", nil)); !errors.Is(err, seal.ErrForged) {
		t.Errorf("a key that is gone reveals: %v", err)
	}
}
