package diskblob

import (
	"context"
	"errors"
	"log/slog"
	"time"
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

// tidy does all there is to do.
func (k *keeper) tidy(ctx context.Context) error {
	err := errors.Join(k.seal(), k.bury())
	for err == nil {
		packs := k.store.shelf.view.Load().packs
		from, to := chooseRun(k.burdens(packs), k.store.packBytes)
		if from == to {
			break
		}
		if err = k.merge(ctx, packs[from:to:to]); err == nil {
			err = k.bury()
		}
	}
	return err
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
