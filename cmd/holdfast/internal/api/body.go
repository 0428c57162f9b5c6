package api

import (
	"crypto/sha256"
	"hash"
	"io"
	"sync"
	"time"
)

// body is the request body of one attempt: it hashes what it passes on, unless
// hash is nil. The
// transport may still read from it when the attempt is over; that counts no
// more.
type body struct {
	source   io.Reader
	moved    func(int64)
	dog      *watchdog
	patience time.Duration

	mu     sync.Mutex
	hash   hash.Hash // nil where the digest is known
	sent   int64
	err    error // of source
	closed bool
}

// Read reads, hashes and counts.
func (b *body) Read(p []byte) (int, error) {
	b.dog.rest()
	n, err := b.source.Read(p) // without the lock: a pipe may never return
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, io.ErrClosedPipe
	}
	if b.hash != nil {
		b.hash.Write(p[:n])
	}
	b.sent += int64(n)
	if b.moved != nil {
		b.moved(int64(n))
	}
	switch err {
	case nil:
		b.dog.grant(b.patience)
	case io.EOF:
		b.dog.grant(answerPatience)
	default:
		b.err = err
	}
	return n, err
}

// Close does nothing: the source belongs to whoever gave it.
func (b *body) Close() error { return nil }

// finish ends the attempt and returns how many bytes were sent, their SHA-256 if
// they were hashed, and the error that reading them met. After a failed attempt they are taken
// back from what was told to moved.
func (b *body) finish(succeeded bool) (sent int64, sum []byte, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if !succeeded && b.moved != nil {
		b.moved(-b.sent)
	}
	if b.hash != nil {
		sum = b.hash.Sum(nil)
	}
	return b.sent, sum, b.err
}

func newBody(source io.Reader, moved func(int64), dog *watchdog, patience time.Duration) *body {
	return &body{source: source, moved: moved, dog: dog, patience: patience, hash: sha256.New()}
}
