// Package large moves a file that is too large to be held in memory, of contents
// that are known all the same, through a running service.
package large

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
)

// pattern yields bytes that differ everywhere, without holding them.
type pattern struct{ at, size int64 }

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
	return len(b), nil
}

// Put uploads a file of a length to a URL.
func Put(ctx context.Context, url string, sizeBytes int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, &pattern{size: sizeBytes})
	if err != nil {
		return err
	}
	req.ContentLength = sizeBytes
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // to programs of a test
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("upload: %s: %s", resp.Status, answer)
	}
	return err
}

// Check reads the file back, whole and in ranges: one in the middle, the end,
// and one across the border of two blocks.
func Check(ctx context.Context, url string, sizeBytes int64) error {
	for _, r := range [][2]int64{{0, sizeBytes - 1}, {sizeBytes / 2, sizeBytes/2 + 1<<20}, {sizeBytes - 7, sizeBytes - 1}, {1<<18 - 1, 1 << 18}} {
		if err := checkRange(ctx, url, r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}

func checkRange(ctx context.Context, url string, from, to int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to))
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // as above
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, want := sha256.New(), sha256.New()
	n, err := io.Copy(got, resp.Body)
	if err != nil {
		return err
	}
	if _, err := io.Copy(want, &pattern{at: from, size: to + 1}); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusPartialContent || n != to+1-from || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		return fmt.Errorf("bytes %d-%d: %s, %d bytes", from, to, resp.Status, n)
	}
	return nil
}
