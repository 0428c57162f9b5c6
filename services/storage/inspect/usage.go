package inspect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
)

// amount is what quotas bound.
type amount struct{ bytes, files, reservedBytes, reservedFiles int64 }

// tally adds up over a walk, by space, what the records hold and what the
// counters of quotas say.
type tally struct{ held, counted map[string]amount }

func newTally() *tally { return &tally{held: map[string]amount{}, counted: map[string]amount{}} }

func (t *tally) add(page *ledgerv1.AuditResponse) {
	sum := func(to map[string]amount, parts []*ledgerv1.Usage) {
		for _, u := range parts {
			a := to[u.GetSpace()]
			to[u.GetSpace()] = amount{
				a.bytes + u.GetBytes(), a.files + u.GetFiles(),
				a.reservedBytes + u.GetReservedBytes(), a.reservedFiles + u.GetReservedFiles(),
			}
		}
	}
	sum(t.held, page.GetHeld())
	sum(t.counted, page.GetCounted())
}

// drifted returns the spaces whose counters do not say what is held, by id.
func (t *tally) drifted() []string {
	var spaces []string
	for _, space := range slices.Sorted(maps.Keys(t.counted)) {
		if t.counted[space] != t.held[space] {
			spaces = append(spaces, space)
		}
	}
	return spaces
}

// usage tells the spaces whose counters are wrong. A walk is no view of one
// moment, so what it suspects of a space in use is looked at again.
func (r *inspection) usage(ctx context.Context) error {
	first := r.tallies[0]
	suspects := first.drifted()
	if len(suspects) == 0 {
		return nil
	}
	if len(r.tallies) == 1 {
		if err := r.walkAgain(ctx); err != nil {
			return err
		}
	}
	last := r.tallies[len(r.tallies)-1]
	for _, space := range suspects {
		held, counted := last.held[space], last.counted[space]
		if held != first.held[space] || counted != first.counted[space] {
			continue
		}
		finding := &ledgerv1.Finding{Kind: ledgerv1.Finding_USAGE_DRIFT, Name: "spaces/" + space}
		finding.Detail = fmt.Sprintf("%d bytes in %d files are held and %d in %d reserved; counted are %d in %d and %d in %d",
			held.bytes, held.files, held.reservedBytes, held.reservedFiles,
			counted.bytes, counted.files, counted.reservedBytes, counted.reservedFiles)
		if r.repair {
			var err error
			if finding.Repaired, err = r.correct(ctx, space, held, counted); err != nil {
				return err
			}
		}
		if err := r.pass(finding); err != nil {
			return err
		}
	}
	return nil
}

// correct has the ledger mend the counters of a space. It does not when they
// have changed meanwhile; a later inspection will.
func (r *inspection) correct(ctx context.Context, space string, held, counted amount) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	_, err := r.ledger.CorrectUsage(ctx, &ledgerv1.CorrectUsageRequest{
		Held: held.usage(space), Counted: counted.usage(space),
	})
	if errors.Is(fault.FromStatus(err), fault.Conflict) {
		return false, nil
	}
	return err == nil, err
}

func (a amount) usage(space string) *ledgerv1.Usage {
	return &ledgerv1.Usage{
		Space: space, Bytes: a.bytes, Files: a.files,
		ReservedBytes: a.reservedBytes, ReservedFiles: a.reservedFiles,
	}
}
