package api

import (
	"encoding/base64"
	"strings"
)

// digestHeader returns a Repr-Digest header (RFC 9530) for a SHA-256.
func digestHeader(sum []byte) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":"
}

// parseDigest returns the SHA-256 of a Repr-Digest header, nil when there is
// none.
func parseDigest(header string) []byte {
	for member := range strings.SplitSeq(header, ",") {
		text, ok := strings.CutPrefix(strings.TrimSpace(member), "sha-256=:")
		if !ok {
			continue
		}
		text, _, ok = strings.Cut(text, ":")
		if sum, err := base64.StdEncoding.DecodeString(text); ok && err == nil {
			return sum
		}
	}
	return nil
}
