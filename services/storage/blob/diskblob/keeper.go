package diskblob

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// keeper is the one goroutine that works on packs that are no longer written:
// it gives them indexes, merges them and removes them.
type keeper struct {
	store  *Store
	signal chan struct{}
	stop   context.CancelFunc
	done   chan struct{} // closed when it has stopped

	// dying are packs that were replaced and not yet removed.
	dying []*pack
}

// keepInterval is how often the keeper looks by itself, for what has failed
// before.
const keepInterval = time.Minute

func (k *keeper) init(s *Store) {
	k.store = s
	k.signal = make(chan struct{}, 1)
	k.done = make(chan struct{})
}

func (k *keeper) start() {
	var ctx context.Context
	ctx, k.stop = context.WithCancel(context.Background())
	go func() {
		defer close(k.done)
		ticker := time.NewTicker(keepInterval)
		defer ticker.Stop()
		for ctx.Err() == nil {
			signal := k.signal
			if err := k.tidy(ctx); err != nil && ctx.Err() == nil {
				k.store.log.WarnContext(ctx, "keeping of packs failed; trying again later", slog.Any("error", err))
				signal = nil // much may have to be done again, so not at once
			}
			select {
			case <-signal:
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	}()
}

// wake makes the keeper look whether there is something to do.
func (k *keeper) wake() {
	select {
	case k.signal <- struct{}{}:
	default:
	}
}

// tidy does all there is to do. Packs that cannot be merged do not keep others
// from it, unless there is no room.
func (k *keeper) tidy(ctx context.Context) error {
	errs := []error{k.seal(), k.bury()}
	failed := make(map[*pack]bool)
	for ctx.Err() == nil && !errors.Is(errors.Join(errs...), fault.StorageFull) {
		packs := k.store.shelf.view.Load().packs
		from, to := chooseRun(k.burdens(packs, failed), k.store.packBytes)
		if from == to {
			break
		}
		run := packs[from:to:to]
		err := k.merge(ctx, run)
		if err == nil {
			errs = append(errs, k.bury())
			continue
		}
		i := slices.IndexFunc(run, func(p *pack) bool { return p.pinned.Load() })
		if i >= 0 && errors.Is(err, fault.DataLoss) {
			// It is not chosen again.
			k.store.log.ErrorContext(ctx, "pack cannot be merged; it stays as it is",
				slog.String("pack", run[i].name.String()), slog.Any("error", err))
			continue
		}
		errs = append(errs, err)
		for _, p := range run {
			failed[p] = true
		}
	}
	return errors.Join(errs...)
}

// seal gives an index to all packs that wait for one.
func (k *keeper) seal() error {
	var errs []error
	for _, p := range k.store.shelf.view.Load().packs {
		if !p.sealable() {
			continue
		}
		if p.empty() {
			// Nothing was ever in it that was acknowledged.
			k.store.shelf.replace([]*pack{p}, nil)
			p.gone.Store(true)
			k.dying = append(k.dying, p)
			continue
		}
		errs = append(errs, p.seal())
	}
	k.store.shelf.refresh()
	return errors.Join(errs...)
}

// bury removes the packs that were replaced and that nobody lists any more.
func (k *keeper) bury() error {
	var errs []error
	var left []*pack
	for _, p := range k.dying {
		if p.listers.Load() > 0 {
			left = append(left, p)
			continue
		}
		if err := k.store.removePack(p); err != nil {
			left = append(left, p)
			errs = append(errs, err)
		}
	}
	k.dying = left
	return errors.Join(errs...)
}
