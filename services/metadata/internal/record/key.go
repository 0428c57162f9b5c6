// Package record is the layout of metadata in its table: the key of every kind
// of record, and how records become items. ARCHITECTURE.md shows it as a table.
package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"

	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Root is the id of a space's root folder.
const Root = "root"

// Shard counts. They are part of the layout: changing one orphans records.
const (
	TrashShards = 8
	JobShards   = 256
	UsageShards = 64
	SlotShards  = 8
)

const (
	spaceIndexPartition = "A"
	headSort            = "HEAD"
	nodeSort            = "NODE"
	revisionPrefix      = "R#"
	sharePrefix         = "B#"
	usageSort           = "Q"
	slotSort            = "OPEN"
	memberPrefix        = "M#"
	keyPrefix           = "K#"
	keyUseSuffix        = "#USE"
	keyHashSort         = "KEY"
	ownerSort           = "OWNER"
	linkPrefix          = "L#"
	linkSort            = "LINK"
	linkCountSort       = "COUNT"
	// trashSeparator sorts before every byte that a display name may hold, so
	// that trash entries order by name first.
	trashSeparator = "\x01"
)

// SecretKey is where the key that seals grants and page tokens stands.
func SecretKey() table.Key { return table.Key{Partition: "M", Sort: "SECRET"} }

// BootstrapKey is where it stands that the first administrator's key was made.
func BootstrapKey() table.Key { return table.Key{Partition: "M", Sort: "BOOTSTRAP"} }

// SpaceIndexPartition holds one item for each space, sorted by id.
func SpaceIndexPartition() string { return spaceIndexPartition }

// SpaceIndex is the key of a space's item in the index.
func SpaceIndex(space string) table.Key {
	return table.Key{Partition: spaceIndexPartition, Sort: space}
}

// Head is the key of a space.
func Head(space string) table.Key { return table.Key{Partition: "S#" + space, Sort: headSort} }

// IsHead tells whether a key of KindSpace is that of the space itself.
func IsHead(key table.Key) bool { return key.Sort == headSort }

// Node is the key of a file or folder.
func Node(space, id string) table.Key {
	return table.Key{Partition: nodePartition(space, id), Sort: nodeSort}
}

// Revision is the key of a revision that is not the current one.
func Revision(space, node, id string) table.Key {
	return table.Key{Partition: nodePartition(space, node), Sort: revisionPrefix + id}
}

// Revisions queries the older revisions of a file, oldest first.
func Revisions(space, node string) table.Query {
	return table.Query{
		Partition: nodePartition(space, node),
		From:      revisionPrefix,
		To:        after(revisionPrefix),
	}
}

// Share is the key of the counter of the revisions of a file that have the same
// extents, by their ShareID.
func Share(space, node string, id []byte) table.Key {
	return table.Key{Partition: nodePartition(space, node), Sort: sharePrefix + CounterID(id)}
}

// CounterOf returns the text of the ShareID of a key of KindNode, if it is one of a
// counter.
func CounterOf(key table.Key) (string, bool) { return strings.CutPrefix(key.Sort, sharePrefix) }

// CounterID returns the text of a ShareID.
func CounterID(id []byte) string { return hex.EncodeToString(id) }

// Entry is the key of a name in a folder.
func Entry(space, folder, name string) table.Key {
	return table.Key{Partition: EntryPartition(space, folder), Sort: name}
}

// EntryPartition holds the entries of a folder, sorted by name.
func EntryPartition(space, folder string) string { return "D#" + space + "#" + folder }

// Trash is the key of the entry of a node that was moved to the trash.
func Trash(space, name, id string) table.Key {
	return table.Key{
		Partition: TrashPartition(space, int(shard(id, TrashShards))),
		Sort:      TrashSort(name, id),
	}
}

// TrashPartition holds the trash entries of shard k, sorted by name and id.
func TrashPartition(space string, k int) string { return fmt.Sprintf("T#%s#%d", space, k) }

// TrashSort is the sort key of a trash entry.
func TrashSort(name, id string) string { return name + trashSeparator + id }

// Job is the key of a job that is due at a time; id is unique among jobs.
func Job(dueMicros int64, id string) table.Key {
	return table.Key{Partition: JobPartition(int(shard(id, JobShards))), Sort: JobDue(dueMicros) + "#" + id}
}

// JobPartition holds the jobs of shard k, sorted by the time they are due.
func JobPartition(k int) string { return "W#" + hex.EncodeToString([]byte{byte(k)}) }

// JobDue is the beginning of the sort keys of jobs due at a time.
func JobDue(micros int64) string { return fmt.Sprintf("%016x", micros) }

// Usage is the key of shard k of the counters of a space.
func Usage(space string, k int) table.Key {
	return table.Key{Partition: fmt.Sprintf("Q#%s#%d", space, k), Sort: usageSort}
}

// ShareOf is the key of a share link in its space.
func ShareOf(space, id string) table.Key {
	return table.Key{Partition: "S#" + space, Sort: linkPrefix + id}
}

// Shares queries the share links of a space behind one of them, by id.
func Shares(space, behind string) table.Query {
	q := table.Query{Partition: "S#" + space, From: linkPrefix, To: after(linkPrefix)}
	if behind != "" {
		q.From = linkPrefix + behind + "\x01"
	}
	return q
}

// Link is the key of a share link by the hash of its token.
func Link(tokenHash []byte) table.Key {
	return table.Key{Partition: linkPrefix + hex.EncodeToString(tokenHash), Sort: linkSort}
}

// LinkCount is the key of the counter of the downloads by a share link.
func LinkCount(tokenHash []byte) table.Key {
	return table.Key{Partition: linkPrefix + hex.EncodeToString(tokenHash), Sort: linkCountSort}
}

// Slots is the key of shard k of the counters of a principal's open uploads.
func Slots(principal string, k int) table.Key {
	return table.Key{Partition: fmt.Sprintf("O#%s#%d", principalHash(principal), k), Sort: slotSort}
}

// Outcome is the key of what a request with a request id came to.
func Outcome(principal, requestID string) table.Key {
	return table.Key{Partition: "I#" + principalHash(principal) + "#" + requestID, Sort: "OUTCOME"}
}

// principalHash stands for a principal in keys, so that its characters and its
// length are none of theirs.
func principalHash(principal string) string {
	sum := sha256.Sum256([]byte(principal))
	return hex.EncodeToString(sum[:16])
}

// MemberID returns the id of a member, which follows from whom it is about: so
// his role in a space is one read, and he is a member of it once.
func MemberID(principal string) string { return principalHash(principal) }

// Member is the key of a member of a space.
func Member(space, id string) table.Key {
	return table.Key{Partition: "S#" + space, Sort: memberPrefix + id}
}

// Members queries the members of a space behind one of them, by id.
func Members(space, behind string) table.Query {
	return behindIn("S#"+space, memberPrefix, behind)
}

// Membership is the key that lists a space under one of its members.
func Membership(id, space string) table.Key {
	return table.Key{Partition: MembershipPartition(id), Sort: space}
}

// MembershipPartition holds the spaces of a member, sorted by id.
func MembershipPartition(id string) string { return "G#" + id }

// APIKey is the key of an API key in its space.
func APIKey(space, id string) table.Key {
	return table.Key{Partition: "S#" + space, Sort: keyPrefix + id}
}

// APIKeyUse is the key of the last use of an API key; it sorts right behind it.
func APIKeyUse(space, id string) table.Key {
	return table.Key{Partition: "S#" + space, Sort: keyPrefix + id + keyUseSuffix}
}

// IsAPIKeyUse tells whether a sort key is that of the last use of an API key.
func IsAPIKeyUse(sort string) bool { return strings.HasSuffix(sort, keyUseSuffix) }

// IsAPIKey tells whether a sort key is that of an API key in its space.
func IsAPIKey(sort string) bool { return strings.HasPrefix(sort, keyPrefix) && !IsAPIKeyUse(sort) }

// APIKeys queries the API keys of a space behind one of them, each with its
// last use behind it, by id.
func APIKeys(space, behind string) table.Query {
	if behind != "" {
		behind += keyUseSuffix
	}
	return behindIn("S#"+space, keyPrefix, behind)
}

// APIKeyHash is the key of an API key by the hash of its secret.
func APIKeyHash(hash []byte) table.Key {
	return table.Key{Partition: "K#" + hex.EncodeToString(hash), Sort: keyHashSort}
}

// behindIn queries the sort keys of a prefix behind one of them.
func behindIn(partition, prefix, behind string) table.Query {
	q := table.Query{Partition: partition, From: prefix, To: after(prefix)}
	if behind != "" {
		q.From = prefix + behind + "\x01"
	}
	return q
}

// Upload is the key of a resumable upload.
func Upload(space, id string) table.Key {
	return table.Key{Partition: "U#" + space + "#" + id, Sort: headSort}
}

// ExtentBatch is the key of a batch of a list of extents.
func ExtentBatch(space string, list []byte, number int32) table.Key {
	return table.Key{Partition: extentPartition(space, list), Sort: fmt.Sprintf("%08x", number)}
}

// ExtentBatches queries a run of batches of a list, in order.
func ExtentBatches(space string, run *recordv1.ExtentList) table.Query {
	return table.Query{
		Partition: extentPartition(space, run.GetId()),
		From:      fmt.Sprintf("%08x", run.GetFirst()),
		To:        fmt.Sprintf("%08x", run.GetFirst()+run.GetCount()),
	}
}

// ExtentOwner is the key of who has a list of extents, once a node has it.
func ExtentOwner(space string, list []byte) table.Key {
	return table.Key{Partition: extentPartition(space, list), Sort: ownerSort}
}

func extentPartition(space string, list []byte) string {
	return "X#" + space + "#" + hex.EncodeToString(list)
}

func nodePartition(space, id string) string { return "N#" + space + "#" + id }

func shard(id string, n uint32) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash.Hash never fails
	return h.Sum32() % n
}

// after returns the first string behind every string that begins with prefix.
func after(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string(prefix[last]+1)
}

// Kind tells what a key is the key of, for the audit.
type Kind byte

// Kinds of keys, by the first letter of the partition.
const (
	KindSecret  Kind = 'M'
	KindIndex   Kind = 'A'
	KindSpace   Kind = 'S'
	KindNode    Kind = 'N'
	KindEntry   Kind = 'D'
	KindTrash   Kind = 'T'
	KindJob     Kind = 'W'
	KindUsage   Kind = 'Q'
	KindSlots   Kind = 'O'
	KindLink    Kind = 'L'
	KindOutcome Kind = 'I'
	KindAPIKey  Kind = 'K'
	KindMember  Kind = 'G'
	KindUpload  Kind = 'U'
	KindExtents Kind = 'X'
)

// KindOf returns the kind of a key and the parts of its partition.
func KindOf(key table.Key) (Kind, []string) {
	parts := strings.Split(key.Partition, "#")
	return Kind(parts[0][0]), parts[1:]
}

// AccessOf returns what a key of KindSpace is the key of: a member, an API key,
// the last use of one or a share link, by its id.
func AccessOf(key table.Key) (of Access, id string) {
	switch {
	case strings.HasPrefix(key.Sort, memberPrefix):
		return AccessMember, key.Sort[len(memberPrefix):]
	case strings.HasPrefix(key.Sort, linkPrefix):
		return AccessShare, key.Sort[len(linkPrefix):]
	case IsAPIKey(key.Sort):
		return AccessKey, key.Sort[len(keyPrefix):]
	case IsAPIKeyUse(key.Sort):
		return AccessKeyUse, strings.TrimSuffix(strings.TrimPrefix(key.Sort, keyPrefix), keyUseSuffix)
	}
	return AccessNone, ""
}

// Access is what a record of a space's access is about.
type Access byte

// What the records of a space are about, besides its head.
const (
	AccessNone Access = iota
	AccessMember
	AccessKey
	AccessKeyUse
	AccessShare
)

// IsLink tells whether a key of KindLink is that of the link, and not of its
// counter.
func IsLink(key table.Key) bool { return key.Sort == linkSort }

// LinkOf returns the key of the link that a counter is of.
func LinkOf(counter table.Key) table.Key {
	return table.Key{Partition: counter.Partition, Sort: linkSort}
}

// IsNode tells whether a key of KindNode is that of the node itself.
func IsNode(key table.Key) bool { return key.Sort == nodeSort }

// RevisionOf returns the revision id of a key of KindNode, if it is one of a revision.
func RevisionOf(key table.Key) (string, bool) {
	return strings.CutPrefix(key.Sort, revisionPrefix)
}
