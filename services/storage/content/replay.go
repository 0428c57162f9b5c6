package content

import (
	"bytes"
	"context"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// replay answers an upload whose request id was used before: with the outcome
// then, if the contents are the same. It reads and digests the body, and
// stores nothing.
func replay(ctx context.Context, earlier *ledgerv1.Replay, in *intake) (*storagev1.UploadResponse, error) {
	if in.size != unknown && in.size != earlier.GetSizeBytes() {
		return nil, reused()
	}
	if want := in.spec.GetSha256(); len(want) != 0 && !bytes.Equal(want, earlier.GetSha256()) {
		return nil, reused()
	}
	size := bufferFor(in.size)
	if size == 0 {
		size = headSize
	}
	buffer := takeBuffer(size)
	defer giveBuffer(buffer)
	for !in.whole() {
		if err := ctx.Err(); err != nil {
			return nil, fault.FromStatus(err)
		}
		if _, err := in.fill(*buffer); err != nil {
			return nil, err
		}
		if in.read > earlier.GetSizeBytes() {
			return nil, reused()
		}
	}
	if in.read != earlier.GetSizeBytes() || !bytes.Equal(in.sha256(), earlier.GetSha256()) {
		return nil, reused()
	}
	return earlier.GetResponse(), nil
}

func reused() error {
	return fault.New(errorsv1.Reason_REASON_REQUEST_ID_REUSED, "the request id was used before for other contents")
}
