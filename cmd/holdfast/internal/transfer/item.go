// Package transfer moves many files and folders between a local file system
// and a space, several at a time and in constant memory however many there
// are. Whatever is not moved is reported, each file on its own.
package transfer

import "github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"

// Outcome is what became of one file or folder.
type Outcome string

// The outcomes.
const (
	Created  Outcome = "created"
	Replaced Outcome = "replaced"
	Skipped  Outcome = "skipped"
	Failed   Outcome = "failed"
)

// Item is one file or folder with its outcome.
type Item struct {
	Outcome Outcome
	Kind    api.Kind // empty when it is neither
	Local   string   // path in the local file system
	Remote  string   // path in the space
	// SizeBytes and SHA256, in lower-case hexadecimal, are those of a file that
	// was moved.
	SizeBytes int64
	SHA256    string
	// Note says why it was skipped, or what is to be known about it.
	Note string
	// Left says that a skipped item is one that can't be moved, rather than one
	// that need not be.
	Left bool
	// Err is why it failed.
	Err error
}

// failed returns the item as one that failed.
func (i Item) failed(err error) Item {
	i.Outcome, i.Err = Failed, err
	return i
}

// skipped returns the item as one that need not be moved.
func (i Item) skipped(note string) Item {
	i.Outcome, i.Note = Skipped, note
	return i
}

// left returns the item as one that can't be moved.
func (i Item) left(note string) Item {
	i.Outcome, i.Note, i.Left = Skipped, note, true
	return i
}
