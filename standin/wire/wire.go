// Package wire is what lies before a server of a stand-in: it counts the calls
// by operation, and lets some of them go wrong.
package wire

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
)

// Wire is shared by the handlers that it makes. It is controlled over HTTP, see
// Control.
type Wire struct {
	mu     sync.Mutex
	calls  map[string]int64
	one    int // of so many calls goes wrong; 0 for none
	random *rand.Rand
	more   func() map[string]int64
}

// New returns a wire on which nothing goes wrong. more, when not nil, returns
// counts that belong to those of the calls.
func New(more func() map[string]int64) *Wire {
	return &Wire{calls: map[string]int64{}, more: more}
}

// Handler returns a handler that passes calls on to next.
func (w *Wire) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.draw(operation(r)).serve(rw, r, next)
	})
}

// draw counts a call and says what goes wrong with it.
func (w *Wire) draw(operation string) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[operation]++
	if w.one == 0 || w.random.IntN(w.one) > 0 {
		return fine
	}
	return fine + 1 + fault(w.random.IntN(int(faults-1)))
}

// Control returns the handler by which a test looks on:
//
//	GET  /calls               counts since the start, as a JSON object
//	POST /faults?one=N&seed=S one call of N goes wrong; of 0, none
func (w *Wire) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /calls", func(rw http.ResponseWriter, _ *http.Request) {
		w.mu.Lock()
		counts := maps.Clone(w.calls)
		w.mu.Unlock()
		if w.more != nil {
			maps.Copy(counts, w.more())
		}
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(counts) // the client may have left
	})
	mux.HandleFunc("POST /faults", func(rw http.ResponseWriter, r *http.Request) {
		one, err := strconv.Atoi(r.FormValue("one"))
		seed, _ := strconv.ParseUint(r.FormValue("seed"), 10, 64) // 0 unless given
		if err != nil || one < 0 {
			http.Error(rw, "one is not a number of calls", http.StatusBadRequest)
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.one, w.random = one, rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // nothing to guess
	})
	return mux
}
