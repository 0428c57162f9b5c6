package wire

import (
	"net/http"
	"strings"
)

// operation names what a request asks for, as AWS does.
func operation(r *http.Request) string {
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return name
	}
	query := r.URL.Query()
	object := strings.Count(strings.Trim(r.URL.Path, "/"), "/") > 0
	switch {
	case query.Has("partNumber"):
		return "UploadPart"
	case query.Has("uploads") && r.Method == http.MethodPost:
		return "CreateMultipartUpload"
	case query.Has("uploads"):
		return "ListMultipartUploads"
	case query.Has("uploadId") && r.Method == http.MethodPost:
		return "CompleteMultipartUpload"
	case query.Has("uploadId"):
		return "AbortMultipartUpload"
	case query.Has("list-type"):
		return "ListObjectsV2"
	}
	kind := "Bucket"
	if object {
		kind = "Object"
	}
	return strings.ToUpper(r.Method[:1]) + strings.ToLower(r.Method[1:]) + kind
}
