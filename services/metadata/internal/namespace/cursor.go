package namespace

import (
	"context"
	"crypto/sha256"
	"encoding/base64"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
)

// A page token is a sort key, sealed for one principal and one request: with
// another principal, or other arguments, it is worthless (AIP-158).

// sealCursor returns the page token that goes on behind a sort key.
func (n *Namespace) sealCursor(ctx context.Context, asked proto.Message, sort string) (string, error) {
	purpose, err := cursorPurpose(ctx, asked)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(n.key.Seal(purpose, []byte(sort))), nil
}

// openCursor returns the sort key of a page token, empty for an empty token.
func (n *Namespace) openCursor(ctx context.Context, asked proto.Message, token string) (string, error) {
	if token == "" {
		return "", nil
	}
	purpose, err := cursorPurpose(ctx, asked)
	if err != nil {
		return "", err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", fault.Invalidf("page_token", "is malformed")
	}
	sort, err := n.key.Open(purpose, sealed)
	if err != nil {
		return "", fault.Invalidf("page_token", "is not one of this request")
	}
	return string(sort), nil
}

func cursorPurpose(ctx context.Context, asked proto.Message) (string, error) {
	principal, err := access.ID(ctx)
	if err != nil {
		return "", err
	}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(asked)
	if err != nil {
		return "", fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "page token")
	}
	sum := sha256.Sum256(wire)
	kind := asked.ProtoReflect().Descriptor().FullName()
	return "page\x00" + string(kind) + "\x00" + principal + "\x00" + string(sum[:]), nil
}
