package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// unfinishedAge is how long the URL of an upload is kept; servers keep uploads
// for a day after their last byte, if nobody told them otherwise.
const unfinishedAge = 30 * 24 * time.Hour

// memory keeps the URL of one upload in a file. Its zero value keeps nothing.
type memory struct {
	path string
	lost func(error)
}

// newMemory returns the memory of what key says, in a folder that is made when
// it is needed. What is old in there goes. lost is told why a URL is not kept.
func newMemory(folder, key string, lost func(error)) memory {
	if folder == "" {
		return memory{}
	}
	forgetOld(folder)
	sum := sha256.Sum256([]byte(key))
	return memory{filepath.Join(folder, hex.EncodeToString(sum[:])), lost}
}

// Load returns the URL, "" when there is none.
func (m memory) Load() string {
	if m.path == "" {
		return ""
	}
	text, err := os.ReadFile(m.path)
	location := string(text)
	if err != nil || !strings.HasPrefix(location, "/v1/") || strings.ContainsAny(location, "\r\n") {
		return ""
	}
	return location
}

// Save keeps the URL, if there is a place for it.
func (m memory) Save(location string) {
	if m.path == "" {
		return
	}
	if err := m.save(location); err != nil {
		m.lost(err)
	}
}

// save writes the file, which comes to its name whole, so that a crash leaves
// none that is cut.
func (m memory) save(location string) error {
	folder := filepath.Dir(m.path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(folder, "draft-*")
	if err != nil {
		return err
	}
	_, err = draft.WriteString(location)
	if err = errors.Join(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), m.path)
	}
	if err != nil {
		_ = os.Remove(draft.Name())
	}
	return err
}

// Forget drops the URL.
func (m memory) Forget() {
	if m.path != "" {
		_ = os.Remove(m.path) // what stays leads to an upload that is gone, and goes by age
	}
}

// forgetOld removes what nobody came back for.
func forgetOld(folder string) {
	entries, _ := os.ReadDir(folder) // there may be none
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > unfinishedAge {
			_ = os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
}
