package s3blob

import (
	"encoding/hex"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// prefixDigits of an id's random end come first in its key. An id begins with
// the time, and S3 serves so many requests of one prefix and no more.
const prefixDigits = 4

// keyOf returns the key of a blob's object: "9f3c-0190…". There is no slash in
// it, so that servers that keep objects as files have them in one directory.
func keyOf(id blob.ID) *string {
	end := hex.EncodeToString(id[len(id)-prefixDigits/2:])
	return aws.String(end + "-" + id.String())
}

// idOf reads a key. ok is false for one that is none of ours.
func idOf(key string) (id blob.ID, ok bool) {
	if len(key) < prefixDigits+1 {
		return id, false
	}
	id, err := uuid.Parse(key[prefixDigits+1:])
	return id, err == nil && *keyOf(id) == key
}
