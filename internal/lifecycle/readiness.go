package lifecycle

import (
	"errors"
	"sync"
)

// Readiness says whether a process takes new calls. The zero value is not
// ready. /readyz and the gRPC health and readiness services all ask the same
// one. It is safe for concurrent use.
type Readiness struct {
	mu       sync.Mutex
	ready    bool
	watchers []func(ready bool)
}

// Ready reports whether the process takes new calls.
func (r *Readiness) Ready() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready
}

// Set changes the readiness and tells the watchers when it is a change.
func (r *Readiness) Set(ready bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ready == ready {
		return
	}
	r.ready = ready
	for _, w := range r.watchers {
		w(ready)
	}
}

// Watch calls f with the readiness of now and at every change of it, one call
// at a time. f must not call back into r.
func (r *Readiness) Watch(f func(ready bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers = append(r.watchers, f)
	f(r.ready)
}

// ErrNotReady says that a process takes no new calls.
var ErrNotReady = errors.New("not ready: starting or draining")

// Err returns ErrNotReady while the process takes no new calls, and else nil.
func (r *Readiness) Err() error {
	if r.Ready() {
		return nil
	}
	return ErrNotReady
}
