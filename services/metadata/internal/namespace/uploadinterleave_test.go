package namespace_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// openedUploads are the uploads that stepsOfUploads are about.
type openedUploads struct {
	plain         string // of a revision of /a/f, with four bytes
	first, second string // parts; the first has all of its bytes
	whole         string // of the two
}

func (w *world) plantUploads() openedUploads {
	w.t.Helper()
	u := openedUploads{plain: w.mustOpen(toPath("/a/f"))}
	u.first = w.mustOpen(&storagev1.CreateUploadRequest{Partial: true})
	u.second = w.mustOpen(&storagev1.CreateUploadRequest{Partial: true})
	for name, content := range map[string]string{u.plain: "one,", u.first: "p1"} {
		if err := w.appendOnce(name, content); err != nil {
			w.t.Fatal(err)
		}
	}
	u.whole = w.mustOpen(toPath("/a/whole"), u.first, u.second)
	return u
}

// stepsOfUploads are single steps of resumable uploads, as whoever has one in its
// hand takes them, and what ends uploads with time.
func stepsOfUploads(u openedUploads) map[string]operation {
	take := func(name string, offset int64) operation {
		return func(w *world, _ planted, _ string) error {
			_, err := w.take(name, offset)
			return err
		}
	}
	keep := func(name string, offset int64, joined int, more bool) operation {
		return func(w *world, _ planted, _ string) error {
			h, err := w.take(name, offset)
			if err != nil || len(h.grant) == 0 {
				return err
			}
			return h.keep("two", min(joined, len(h.tail)), more)
		}
	}
	finish := func(name string) operation {
		return func(w *world, _ planted, _ string) error {
			h, err := w.take(name, -1)
			if err != nil || len(h.grant) == 0 {
				return err
			}
			_, err = h.finish()
			return err
		}
	}
	drop := func(name string) operation {
		return func(w *world, _ planted, _ string) error {
			_, err := w.DropUpload(w.ctx, &ledgerv1.DropUploadRequest{Name: name})
			return err
		}
	}
	pass := func(hours time.Duration) operation {
		return func(w *world, _ planted, _ string) error { return w.sweepOnce(hours * time.Hour) }
	}
	return map[string]operation{
		"take over":                   take(u.plain, 4),
		"keep":                        keep(u.plain, 4, 0, true),
		"keep and join":               keep(u.plain, 4, 1, false),
		"finish":                      finish(u.plain),
		"drop":                        drop(u.plain),
		"finish the first part":       finish(u.first),
		"drop the first part":         drop(u.first),
		"keep in the second part":     keep(u.second, 0, 0, false),
		"finish the second part":      finish(u.second),
		"finish the whole":            finish(u.whole),
		"drop the whole":              drop(u.whole),
		"less than a day and a sweep": pass(23),
		"day and a sweep":             pass(25),
		"days and a sweep":            pass(80),
		"bring and finish all parts": func(w *world, tree planted, id string) error {
			if err := keep(u.second, 0, 0, false)(w, tree, id); err != nil {
				return err
			}
			if err := finish(u.first)(w, tree, id); grave(err) {
				return err // else another has dropped it, and has its say about the second
			}
			return finish(u.second)(w, tree, id)
		},
	}
}

// TestUploadInterleavings lets every step of a resumable upload be interrupted
// before each of its calls to the table by every other one and by every operation
// on the tree, and those by it. Whoever comes when, nothing is lost, left or
// counted twice, and every refusal is one that has a name.
func TestUploadInterleavings(t *testing.T) {
	p := plant(t)
	planting := openWorld(t, p.table, &clock{now: plantTime})
	planting.blobs = p.blobs
	steps := stepsOfUploads(planting.plantUploads())
	all := maps.Clone(operations)
	maps.Copy(all, steps)
	every := *interleaveEvery // of more pairs than TestInterleavings has
	if every > 1 {
		every *= 3
	}
	pairs, rows := rand.IntN(every), 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, intruder := range slices.Sorted(maps.Keys(all)) {
			if steps[name] == nil && steps[intruder] == nil {
				continue // TestInterleavings has them
			}
			if pairs++; pairs%every != 0 {
				continue
			}
			t.Run(name+", meanwhile "+intruder, func(t *testing.T) {
				rows += interleaveUploads(t, p, planting.contents, all[name], all[intruder])
			})
		}
	}
	t.Logf("%d interleavings of two requests", rows)
}

// interleaveUploads interrupts one operation by another at each of its calls, which
// reaches the table through another process and through the same one.
func interleaveUploads(t *testing.T, p plot, contents map[string]string, first, second operation) (rows int) {
	t.Helper()
	for _, sameProcess := range []bool{false, true} {
		for at := 1; ; at++ {
			w := p.world(t)
			maps.Copy(w.contents, contents)
			struck, early, late := interrupt(w, p.tree, at, sameProcess, first, second, "s")
			if !struck {
				break
			}
			rows++
			for _, err := range []error{early, late} {
				if grave(err) {
					t.Error(err)
				}
			}
			w.audit()
			w.auditTree()
			if !sameProcess {
				w.sweepAll()
				w.audit()
				if w.hasJobs() {
					t.Error("jobs are left")
				}
			}
			if t.Failed() {
				t.Fatalf("at call %d, same process %v: %v, %v", at, sameProcess, early, late)
			}
		}
	}
	return rows
}

// grave reports whether an error is none that another operation explains.
func grave(err error) bool {
	switch reasonOf(err) {
	case errorsv1.Reason_REASON_INTERNAL, errorsv1.Reason_REASON_DATA_LOSS, errorsv1.Reason_REASON_UNAVAILABLE:
		return true
	}
	return false
}
