package uploads_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// minExtent is how long the first extents are.
const minExtent = 16 << 20

// gated yields bytes up to a mark, and the rest when it is opened.
type gated struct {
	io.Reader
	mark int64
	open chan struct{}
}

func (g *gated) Read(p []byte) (int, error) {
	if g.mark == 0 {
		<-g.open
		return g.Reader.Read(p)
	}
	n, err := g.Reader.Read(p[:min(int64(len(p)), g.mark)])
	g.mark -= int64(n)
	return n, err
}

// TestRelay continues one upload across three storage processes in turn, each of
// which is killed in the middle of an extent, while metadata and gateway go on.
func TestRelay(t *testing.T) {
	for name, onAWS := range map[string]bool{"embedded": false, "AWS": true} {
		t.Run(name, func(t *testing.T) {
			s := start(t, fleet.Three, onAWS, swift)
			const kills = 3
			contents := make([]byte, (kills+1)*(minExtent+6<<20)+12345)
			_, _ = rand.NewChaCha8([32]byte{7}).Read(contents) // never fails
			upload := s.open("/relayed", int64(len(contents)))
			offset := int64(0)
			for kill := range kills {
				body := &gated{Reader: bytes.NewReader(contents[offset:]), mark: minExtent + 5<<20, open: make(chan struct{})}
				answered := make(chan int, 1)
				go func() {
					resp, _, err := s.call(s.ctx, http.MethodPatch, upload, body, int64(len(contents))-offset, partial(offset, "?1")...)
					if err != nil {
						answered <- 0
						return
					}
					answered <- resp.StatusCode
				}()
				s.await("an extent", func() bool { return s.kept(upload) > offset })
				must(t, s.program("storage").Kill())
				close(body.open)
				if status := <-answered; status != 0 && status < http.StatusInternalServerError {
					t.Errorf("a request whose storage was killed: %d", status)
				}
				must(t, s.program("storage").Start())
				must(t, s.AwaitReady(s.ctx))
				next, complete, err := s.head(s.ctx, upload)
				must(t, err)
				if next < offset+minExtent || next >= int64(len(contents)) || complete {
					t.Fatalf("after kill %d there are %d bytes, there had been %d before; complete %v", kill+1, next, offset, complete)
				}
				t.Logf("kill %d: %d bytes sent from %d on, %d kept", kill+1, minExtent+5<<20, offset, next-offset)
				offset = next
			}
			resp, answer, err := s.call(s.ctx, http.MethodPatch, upload, bytes.NewReader(contents[offset:]), int64(len(contents))-offset, partial(offset, "?1")...)
			must(t, err)
			if resp.StatusCode != http.StatusCreated {
				t.Fatalf("the rest: %s %s", resp.Status, answer)
			}
			s.holds("/relayed", contents)
			s.sound(1)
		})
	}
}
