package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestRestart kills each service in the middle of uploads and starts it again.
// Nothing that was acknowledged is lost or wrong afterwards, what was cut is
// whole or absent, a repetition finds its outcome, and the main job goes on.
func TestRestart(t *testing.T) {
	each(t, func(t *testing.T, g *target) {
		w := newWeb(t, g)
		ctx, stop := context.WithCancel(t.Context())
		stream := &uploads{w: w, acknowledged: map[string][]byte{}}
		var working sync.WaitGroup
		for worker := range 3 {
			working.Go(func() { stream.run(ctx, worker) })
		}
		for _, s := range g.services {
			stream.await(t, 5)
			if err := s.kill(); err != nil {
				t.Error(err)
			}
			if err := s.start(); err != nil {
				t.Error(err)
			}
			stream.await(t, 5)
		}
		stop()
		working.Wait()
		for path, want := range stream.acknowledged {
			w.get(path).want(http.StatusOK).bytes(want)
		}
		t.Logf("%d uploads were acknowledged, %d tries had no good answer", len(stream.acknowledged), stream.failed)
		if !t.Failed() {
			job(t, g)
		}
	})
}

// uploads are uploads that go on whatever happens to the service.
type uploads struct {
	w *web

	mu           sync.Mutex
	acknowledged map[string][]byte
	failed       int
}

func (u *uploads) run(ctx context.Context, worker int) {
	for i := 0; ctx.Err() == nil; i++ {
		path, contents := fmt.Sprintf("/w%d/f%d", worker, i), random(200_000)
		for ctx.Err() == nil && !u.try(ctx, path, contents) {
			<-time.After(20 * time.Millisecond) // a service that is down is not asked as fast as can be
		}
	}
}

// try uploads, and reports whether that was acknowledged.
func (u *uploads) try(ctx context.Context, path string, contents []byte) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.w.g.url+u.w.at(path), bytes.NewReader(contents))
	if err != nil {
		return false
	}
	req.Header.Set("Idempotency-Key", `"`+sum([]byte(u.w.root+path))+`"`)
	if u.w.g.key != "" {
		req.Header.Set("Authorization", "Bearer "+u.w.g.key)
	}
	resp, err := direct.Do(req)
	good := err == nil && resp.StatusCode == http.StatusCreated
	if err == nil {
		_ = resp.Body.Close()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if good {
		u.acknowledged[path] = contents
	} else {
		u.failed++
	}
	return good
}

// await waits until n more uploads are acknowledged.
func (u *uploads) await(t *testing.T, n int) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for begin := u.count(); u.count() < begin+n; {
		if time.Now().After(deadline) {
			t.Fatalf("no upload was acknowledged for 2 minutes")
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (u *uploads) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.acknowledged)
}
