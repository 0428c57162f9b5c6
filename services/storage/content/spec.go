package content

import (
	"crypto/sha256"
	"crypto/sha512"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// maxContents is the length of the longest contents in bytes: 5 TiB.
const maxContents = 5 << 40

// unknown is the announced length of contents whose length was not announced.
const unknown = -1

// checkSpec refuses what storage can tell is wrong. Names, conditions and
// request ids are the ledger's to judge.
func checkSpec(spec *storagev1.UploadSpec) error {
	if spec.GetTarget() == nil {
		return fault.Invalidf("target", "one of file, child and path is needed")
	}
	if spec.SizeBytes != nil && spec.GetSizeBytes() < 0 {
		return fault.Invalidf("size_bytes", "must not be negative")
	}
	if spec.GetSizeBytes() > maxContents {
		return tooLarge()
	}
	if n := len(spec.GetSha256()); n != 0 && n != sha256.Size {
		return fault.Invalidf("sha256", "must have %d bytes, has %d", sha256.Size, n)
	}
	if n := len(spec.GetSha512()); n != 0 && n != sha512.Size {
		return fault.Invalidf("sha512", "must have %d bytes, has %d", sha512.Size, n)
	}
	return nil
}

func announcedSize(spec *storagev1.UploadSpec) int64 {
	if spec.SizeBytes == nil {
		return unknown
	}
	return spec.GetSizeBytes()
}

func tooLarge() error {
	return fault.New(errorsv1.Reason_REASON_TOO_LARGE, "the contents are larger than %d bytes", int64(maxContents))
}
