package fleet

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"time"

	"github.com/holdfast-files/holdfast/internal/loopback"
)

// Tusd is a running server of the tus project's own.
type Tusd struct {
	// URL is where it takes uploads.
	URL string
	*Program
}

// StartTusd starts tusd with its uploads in dataDir, and waits until it listens.
func StartTusd(ctx context.Context, programs, dataDir string) (*Tusd, error) {
	addresses, err := loopback.Free(1)
	if err != nil {
		return nil, err
	}
	s := &Tusd{
		URL: "http://" + addresses[0] + "/files",
		Program: &Program{Name: "tusd", command: []string{
			filepath.Join(programs, "tusd"), "-listen=" + addresses[0], "-data=" + dataDir,
		}},
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addresses[0])
		if err == nil {
			return s, conn.Close()
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, s.Kill(), errors.New(s.Output()))
		case <-time.After(5 * time.Millisecond):
		}
	}
}
