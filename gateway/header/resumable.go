package header

import (
	"net/http"
	"strconv"
	"time"

	"github.com/dunglas/httpsfv"
)

// Resumable are the request fields of "Resumable Uploads for HTTP"
// (draft-ietf-httpbis-resumable-upload), all of them structured fields (RFC
// 9651). Each is nil when it was not sent, and also when it holds something
// else than its type: the draft has such fields ignored.
type Resumable struct {
	// Offset is Upload-Offset, in bytes.
	Offset *int64
	// Complete is Upload-Complete.
	Complete *bool
	// Length is Upload-Length, in bytes.
	Length *int64
	// Interop is the iteration of the draft that the client speaks, nil when
	// it is none of ours.
	Interop *Interop
}

// ParseResumable reads the fields of a request.
func ParseResumable(h http.Header) Resumable {
	r := Resumable{
		Offset: sfSize(h["Upload-Offset"]),
		Length: sfSize(h["Upload-Length"]),
	}
	if complete, ok := sfItem(h["Upload-Complete"]).(bool); ok {
		r.Complete = &complete
	}
	if version, ok := sfItem(h[interopField]).(int64); ok {
		r.Interop = interopOf(version)
	}
	return r
}

const interopField = "Upload-Draft-Interop-Version"

// IsResumable reports whether a request speaks the draft, rather than plain
// HTTP or tus, of whose fields some have the same names.
func IsResumable(h http.Header) bool {
	return len(h["Upload-Complete"]) > 0 || len(h[interopField]) > 0
}

func sfSize(lines []string) *int64 {
	n, ok := sfItem(lines).(int64)
	if !ok || n < 0 {
		return nil
	}
	return &n
}

// sfItem returns the bare item of a field; nil when it is none.
func sfItem(lines []string) any {
	if len(lines) == 0 {
		return nil
	}
	item, err := httpsfv.UnmarshalItem(lines)
	if err != nil {
		return nil
	}
	return item.Value
}

// Interop is an iteration of the draft, known by its interop version.
type Interop struct {
	// Version is the value of Upload-Draft-Interop-Version.
	Version int64
	// lifetime is the key in Upload-Limit for how long the upload has left.
	lifetime string
	// endless tells of clients that never announce the end of an upload which was
	// cut: tus-js-client takes only a request with the whole file for its last.
	endless bool
}

// interops are the iterations that are spoken, oldest first. In what is not
// listed here they are the same for a server.
var interops = [...]Interop{
	{Version: 6, lifetime: "expires", endless: true}, // -05: tus-js-client 4, iOS 18.1 and later
	{Version: 7, lifetime: "max-age"},                // -06 to -08
	{Version: 8, lifetime: "max-age"},                // from -09 on
}

func interopOf(version int64) *Interop {
	for i := range interops {
		if interops[i].Version == version {
			return &interops[i]
		}
	}
	return nil
}

// AwaitsEnd reports whether an upload of the client waits for Upload-Complete: ?1
// when it has its declared length, as the draft has it. With clients that would
// never send that it does not.
func (r *Resumable) AwaitsEnd() bool { return r.Interop == nil || !r.Interop.endless }

// UploadLimits are what an upload may use.
type UploadLimits struct {
	// MaxSize is the largest length of an upload in bytes.
	MaxSize int64
	// Lifetime is how long the upload has left; 0 when there is no upload yet.
	Lifetime time.Duration
}

// UploadLimit returns the value of Upload-Limit as the client's iteration of
// the draft has it; the newest when it said none.
func (r *Resumable) UploadLimit(limits UploadLimits) string {
	interop := r.Interop
	if interop == nil {
		interop = &interops[len(interops)-1]
	}
	value := "max-size=" + strconv.FormatInt(limits.MaxSize, 10)
	if limits.Lifetime > 0 {
		seconds := int64(limits.Lifetime / time.Second)
		value += ", " + interop.lifetime + "=" + strconv.FormatInt(seconds, 10)
	}
	return value
}
