package record

import (
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Item returns the item of a record. Records are small messages of ours, which
// always marshal.
func Item(key table.Key, tag string, record proto.Message) table.Item {
	value, err := proto.Marshal(record)
	if err != nil {
		panic(fmt.Sprintf("record: marshal %T: %v", record, err))
	}
	return table.Item{Key: key, Value: value, Tag: tag}
}

// Decode reads the record of an item into a message. A value that cannot be
// decoded is DATA_LOSS.
func Decode(item table.Item, record proto.Message) error {
	if err := proto.Unmarshal(item.Value, record); err != nil {
		return fault.Wrap(err, errorsv1.Reason_REASON_DATA_LOSS,
			"record %s/%s cannot be decoded", item.Key.Partition, item.Key.Sort)
	}
	return nil
}

// DecodeNode reads a node.
func DecodeNode(item table.Item) (*recordv1.Node, error) {
	node := new(recordv1.Node)
	return node, Decode(item, node)
}

// BlobIDs returns the ids of the blobs of extents, each once.
func BlobIDs(extents []*recordv1.Extent) [][]byte {
	ids := make([][]byte, 0, len(extents))
	seen := make(map[string]bool, len(extents))
	for _, extent := range extents {
		if id := string(extent.GetBlobId()); !seen[id] {
			seen[id] = true
			ids = append(ids, extent.GetBlobId())
		}
	}
	return ids
}

// ShareID returns the id under which it is counted how many revisions of a file
// have the extents of r: that of its first list, or of its first blob, since
// revisions share all of their extents or none. It is nil when there are none.
func ShareID(r *recordv1.Revision) []byte {
	if lists := r.GetLists(); len(lists) > 0 {
		return lists[0].GetId()
	}
	if extents := r.GetExtents(); len(extents) > 0 {
		return extents[0].GetBlobId()
	}
	return nil
}

// BlobText returns the text form of a blob id.
func BlobText(id []byte) string {
	parsed, err := uuid.FromBytes(id)
	if err != nil {
		return hex.EncodeToString(id)
	}
	return parsed.String()
}
