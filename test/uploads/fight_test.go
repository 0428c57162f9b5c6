package uploads_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// fighter is a client that takes an upload for its own.
type fighter struct {
	*service
	upload   string
	contents []byte
	random   *rand.Rand
	// fields returns those of an append, query those of a HEAD.
	fields func(offset, end int64) []string
	query  []string

	appends, lost atomic.Int64
}

// fight appends at what HEAD says, over and over, until the upload is complete.
func (f *fighter) fight(ctx context.Context) error {
	size := int64(len(f.contents))
	for {
		offset, complete, err := f.head(ctx, f.upload, f.query...)
		if err != nil || complete {
			return err
		}
		end := min(offset+1+f.random.Int64N(400_000), size)
		resp, _, err := f.call(ctx, http.MethodPatch, f.upload, bytes.NewReader(f.contents[offset:end]), end-offset, f.fields(offset, end)...)
		f.appends.Add(1)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("at %d of %d: %w", offset, size, ctx.Err())
		case err != nil || resp.StatusCode == http.StatusConflict || resp.StatusCode == http.StatusServiceUnavailable:
			f.lost.Add(1)
		case resp.StatusCode >= http.StatusMultipleChoices:
			return fmt.Errorf("append at %d: %s", offset, resp.Status)
		}
	}
}

// TestSoakFight has two clients, one of each protocol, fight over one upload:
// once, and in a soak over one after the other for SOAK_FIGHT_SECONDS, or four
// minutes. No file is corrupt and no upload stuck.
func TestSoakFight(t *testing.T) {
	s := start(t, fleet.Three, false, swift)
	end := time.Now().Add(time.Duration(fleet.Amount("SOAK_FIGHT_SECONDS", 0, 240)) * time.Second)
	rounds, appends, lost := 0, int64(0), int64(0)
	for rounds == 0 || time.Now().Before(end) {
		random := rand.New(rand.NewPCG(uint64(rounds), 1))
		contents := make([]byte, 4<<20+random.IntN(4<<20))
		_, _ = rand.NewChaCha8([32]byte{byte(rounds)}).Read(contents) // never fails
		size := int64(len(contents))
		path := fmt.Sprintf("/fought/%d", rounds)
		upload := s.open(path, size)
		tus := &fighter{
			service: s, upload: upload, contents: contents, random: rand.New(rand.NewPCG(uint64(rounds), 2)),
			query: []string{"Tus-Resumable", "1.0.0"},
			fields: func(offset, _ int64) []string {
				return []string{
					"Tus-Resumable", "1.0.0", "Content-Type", "application/offset+octet-stream",
					"Upload-Offset", strconv.FormatInt(offset, 10),
				}
			},
		}
		ietf := &fighter{
			service: s, upload: upload, contents: contents, random: rand.New(rand.NewPCG(uint64(rounds), 3)),
			fields: func(offset, end int64) []string {
				if end == size {
					return partial(offset, "?1")
				}
				return partial(offset, "?0")
			},
		}
		ctx, cancel := context.WithTimeout(s.ctx, patience)
		var both sync.WaitGroup
		for _, f := range []*fighter{tus, ietf} {
			both.Go(func() {
				if err := f.fight(ctx); err != nil {
					t.Errorf("round %d: %v", rounds, err)
				}
			})
		}
		both.Wait()
		cancel()
		s.holds(path, contents)
		if t.Failed() {
			return
		}
		rounds++
		appends += tus.appends.Load() + ietf.appends.Load()
		lost += tus.lost.Load() + ietf.lost.Load()
	}
	t.Logf("%d uploads fought over; %d appends, %d of them lost to the other", rounds, appends, lost)
	s.sound(rounds)
}
