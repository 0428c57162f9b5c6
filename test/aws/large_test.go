package aws_test

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/http"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// pattern yields bytes that differ everywhere, without holding them.
type pattern struct {
	at, size int64
	sum      hash.Hash
}

func (p *pattern) Read(b []byte) (int, error) {
	if p.at == p.size {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.size-p.at)]
	for i := range b {
		x := uint64(p.at+int64(i)) * 0x9e3779b97f4a7c15
		b[i] = byte(x >> 56)
	}
	p.at += int64(len(b))
	if p.sum != nil {
		_, _ = p.sum.Write(b) // a hash never fails
	}
	return len(b), nil
}

// TestSoakLargeFile uploads a large file, reads it back whole and in ranges,
// and looks at how much memory each process has ever had. It is small unless
// soaking; then SOAK_MIB says how large, 5 GiB when it does not.
func TestSoakLargeFile(t *testing.T) {
	size := int64(fleet.Amount("SOAK_MIB", 48, 5<<10)) << 20
	w := start(t, map[string]string{"log-level": "error"})
	body := &pattern{size: size, sum: sha256.New()}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.url+"/paths/large", body)
	must(t, err)
	req.ContentLength = size
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // to programs of the test
	must(t, err)
	answer, err := io.ReadAll(resp.Body)
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("upload: %s %s", resp.Status, answer)
	}
	for _, r := range [][2]int64{{0, size - 1}, {size / 2, size/2 + 1<<20}, {size - 7, size - 1}, {1<<18 - 1, 1 << 18}} {
		w.hasRange(r[0], r[1])
	}
	const most = 200 << 20
	for _, p := range w.Programs() {
		used, err := fleet.UsageOf(p.PID())
		must(t, err)
		t.Logf("%s: peak %d MiB, %v CPU", p.Name, used.PeakBytes>>20, used.CPU)
		if used.PeakBytes > most {
			t.Errorf("%s had %d MiB, at most %d", p.Name, used.PeakBytes>>20, most>>20)
		}
	}
}

func (w *world) hasRange(from, to int64) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.url+"/paths/large", nil)
	must(w.T, err)
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to))
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // to programs of the test
	must(w.T, err)
	got, want := sha256.New(), sha256.New()
	n, err := io.Copy(got, resp.Body)
	must(w.T, err)
	must(w.T, resp.Body.Close())
	_, err = io.Copy(want, &pattern{at: from, size: to + 1})
	must(w.T, err)
	if resp.StatusCode != http.StatusPartialContent || n != to+1-from || string(got.Sum(nil)) != string(want.Sum(nil)) {
		w.Errorf("bytes %d-%d: %s, %d bytes", from, to, resp.Status, n)
	}
}
