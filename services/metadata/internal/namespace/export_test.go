package namespace

import (
	"google.golang.org/protobuf/proto"

	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
)

// PasswordHashes returns how many passwords were hashed.
func (n *Namespace) PasswordHashes() int64 { return n.passwords.hashes.Load() }

// ChangedHeads returns the spaces of which something else is remembered than their
// records said, because somebody changed a head that others have too.
func (n *Namespace) ChangedHeads() []string {
	var changed []string
	for _, id := range n.heads.Keys() {
		known, _ := n.heads.Peek(id)
		said := new(recordv1.Space)
		if proto.Unmarshal(known.record, said) != nil || !proto.Equal(said, known.space) {
			changed = append(changed, id)
		}
	}
	return changed
}

// HashCheaply makes the hashes of passwords take a fraction of their work, before the
// first one, for tests of who may have some made.
func (n *Namespace) HashCheaply() { n.passwords.memory = 8 }

// OccupySetting takes all places at which passwords are set, until the function
// that it returns is called.
func (n *Namespace) OccupySetting() (release func()) {
	places := n.passwords.sets
	for range cap(places) {
		places <- struct{}{}
	}
	return func() {
		for range cap(places) {
			<-places
		}
	}
}
