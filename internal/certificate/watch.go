package certificate

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// watched is what was read from files. They are looked at, not read, whenever it
// is asked for, which is once for each handshake.
type watched[T any] struct {
	logger *slog.Logger
	read   func() (*T, error)
	files  []string

	mu    sync.Mutex
	value *T
	seen  []os.FileInfo
}

// watch reads files for the first time.
func watch[T any](logger *slog.Logger, read func() (*T, error), files ...string) (*watched[T], error) {
	w := &watched[T]{logger: logger, read: read, files: files, seen: look(files)}
	var err error
	w.value, err = read()
	return w, err
}

// get returns what is in the files, or what was before they could not be used.
func (w *watched[T]) get() *T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := look(w.files)
	if same(w.seen, now) {
		return w.value
	}
	// Remembered also when it is bad, so that it is told of once: a file that is
	// written in place changes once more.
	w.seen = now
	value, err := w.read()
	if err != nil {
		w.logger.Error("a changed certificate can't be used; the one before is", slog.Any("files", w.files), slog.Any("error", err))
		return w.value
	}
	w.logger.Info("certificate read", slog.Any("files", w.files))
	w.value = value
	return value
}

// look returns what the files look like from the outside, nil for one that is
// not there.
func look(files []string) []os.FileInfo {
	infos := make([]os.FileInfo, len(files))
	for i, file := range files {
		infos[i], _ = os.Stat(file) // reading it tells what is wrong
	}
	return infos
}

func same(a, b []os.FileInfo) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) {
			return false
		}
		if a[i] != nil && (!os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime())) {
			return false
		}
	}
	return true
}

func readPool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, nil
}
