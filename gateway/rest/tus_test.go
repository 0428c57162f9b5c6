package rest_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/protobuf/proto"
)

const uploadsURL = "/v1/spaces/default/uploads"

// step is a request and what its answer has to be.
type step struct {
	method string
	url    string // $1 is the Location of the first upload that was opened, and so on
	body   string
	fields []string // names and values
	status int
	want   []string // names and values of the answer; "-" for none
}

// follow sends the steps one after the other. The answers of tus are all marked
// as such.
func follow(t *testing.T, r *rig, steps []step, common ...string) {
	t.Helper()
	var locations []string
	replace := func(s string) string {
		for i, location := range locations {
			s = strings.ReplaceAll(s, fmt.Sprintf("$%d", i+1), location)
		}
		return s
	}
	for i, s := range steps {
		fields := append([]string{}, common...)
		for _, field := range s.fields {
			fields = append(fields, replace(field))
		}
		a := r.do(s.method, replace(s.url), strings.NewReader(s.body), fields...)
		what := fmt.Sprintf("step %d, %s %s", i+1, s.method, s.url)
		if a.StatusCode != s.status {
			t.Fatalf("%s: %s, want %d; %s", what, a.Status, s.status, a.body)
		}
		for j := 0; j < len(s.want); j += 2 {
			want := replace(s.want[j+1])
			if want == "-" {
				want = ""
			}
			if got := a.Header.Get(s.want[j]); got != want {
				t.Errorf("%s: %s: %q, want %q", what, s.want[j], got, want)
			}
		}
		if location := a.Header.Get("Location"); strings.Contains(location, "/uploads/") {
			locations = append(locations, location)
		}
	}
}

var tusMark = []string{"Tus-Resumable", "1.0.0"}

func offsetType(more ...string) []string {
	return append([]string{"Content-Type", "application/offset+octet-stream"}, more...)
}

func metadataOf(pairs ...string) string {
	var elements []string
	for i := 0; i < len(pairs); i += 2 {
		elements = append(elements, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return strings.Join(elements, ",")
}

const expires = "Wed, 02 Jan 2126 03:04:05 GMT"

// The core protocol and its extensions, request by request.
func TestTus(t *testing.T) {
	meta := metadataOf("filename", "a.txt", "filetype", "text/plain", "path", "/docs", "mine", "kept")
	for name, steps := range map[string][]step{
		"creation and core": {
			{"POST", uploadsURL, "", []string{"Upload-Length", "5", "Upload-Metadata", meta}, 201, []string{"Location", "/v1/spaces/default/uploads/u1", "Upload-Offset", "0", "Upload-Expires", expires, "Tus-Resumable", "1.0.0"}},
			{"HEAD", "$1", "", nil, 200, []string{"Upload-Offset", "0", "Upload-Length", "5", "Upload-Metadata", meta, "Cache-Control", "no-store", "Upload-Concat", "-", "Upload-Defer-Length", "-", "Tus-Resumable", "1.0.0", "Upload-Expires", expires}},
			{"PATCH", "$1", "he", offsetType("Upload-Offset", "0"), 204, []string{"Upload-Offset", "2", "Upload-Expires", expires, "Tus-Resumable", "1.0.0"}},
			{"PATCH", "$1", "llo", offsetType("Upload-Offset", "0"), 409, []string{"Tus-Resumable", "1.0.0"}},
			{"PATCH", "$1", "llo", offsetType("Upload-Offset", "2"), 204, []string{"Upload-Offset", "5", "Upload-Expires", "-", "Content-Location", "/v1/spaces/default/files/f2", "Etag", `"f2-r1"`}},
			{"HEAD", "$1", "", nil, 200, []string{"Upload-Offset", "5", "Upload-Length", "5", "Content-Location", "/v1/spaces/default/files/f2"}},
			{"GET", "/v1/spaces/default/paths/docs/a.txt", "", nil, 200, []string{"Content-Type", "text/plain", "Content-Length", "5"}},
		},
		"creation with upload": {
			{"POST", uploadsURL, "hello", offsetType("Upload-Length", "7"), 201, []string{"Upload-Offset", "5"}},
			{"PATCH", "$1", "!!", offsetType("Upload-Offset", "5"), 204, []string{"Upload-Offset", "7"}},
			{"POST", uploadsURL, "all", offsetType("Upload-Length", "3"), 201, []string{"Upload-Offset", "3", "Upload-Expires", "-"}},
			{"POST", uploadsURL, "x", []string{"Upload-Length", "1", "Content-Type", "text/plain"}, 415, []string{"Accept-Patch", "application/offset+octet-stream"}},
			{"POST", uploadsURL, "", []string{"Upload-Length", "0"}, 201, []string{"Upload-Offset", "0", "Upload-Expires", "-"}},
		},
		"the same creation again": {
			{"POST", uploadsURL, "abc", offsetType("Upload-Length", "6", "Idempotency-Key", "k"), 201, []string{"Location", "/v1/spaces/default/uploads/u1", "Upload-Offset", "3"}},
			{"POST", uploadsURL, "abcdef", offsetType("Upload-Length", "6", "Idempotency-Key", "k"), 201, []string{"Location", "/v1/spaces/default/uploads/u1", "Upload-Offset", "3"}},
			{"PATCH", "$1", "def", offsetType("Upload-Offset", "3"), 204, []string{"Upload-Offset", "6"}},
			{"POST", uploadsURL, "abcdef", offsetType("Upload-Length", "6", "Idempotency-Key", "k"), 201, []string{"Location", "/v1/spaces/default/uploads/u1", "Upload-Offset", "6", "Content-Location", "/v1/spaces/default/files/f2"}},
		},
		"deferred length": {
			{"POST", uploadsURL, "", []string{"Upload-Defer-Length", "1"}, 201, nil},
			{"HEAD", "$1", "", nil, 200, []string{"Upload-Defer-Length", "1", "Upload-Length", "-", "Upload-Offset", "0"}},
			{"PATCH", "$1", "ab", offsetType("Upload-Offset", "0"), 204, []string{"Upload-Offset", "2"}},
			{"PATCH", "$1", "c", offsetType("Upload-Offset", "2", "Upload-Length", "4"), 204, []string{"Upload-Offset", "3"}},
			{"PATCH", "$1", "d", offsetType("Upload-Offset", "3", "Upload-Length", "5"), 400, nil},
			{"HEAD", "$1", "", nil, 200, []string{"Upload-Defer-Length", "-", "Upload-Length", "4"}},
			{"PATCH", "$1", "d", offsetType("Upload-Offset", "3"), 204, []string{"Upload-Offset", "4"}},
			{"POST", uploadsURL, "", []string{"Upload-Defer-Length", "2"}, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Defer-Length", "1", "Upload-Length", "1"}, 400, nil},
			{"POST", uploadsURL, "", nil, 400, nil},
		},
		"checksum": {
			{"POST", uploadsURL, "", []string{"Upload-Length", "11"}, 201, nil},
			{"PATCH", "$1", "hello world", offsetType("Upload-Offset", "0", "Upload-Checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="), 460, []string{"Tus-Resumable", "1.0.0"}},
			{"HEAD", "$1", "", nil, 200, []string{"Upload-Offset", "0"}},
			{"PATCH", "$1", "hello world", offsetType("Upload-Offset", "0", "Upload-Checksum", "md5 XrY7u+Ae7tCTyyK7j1rNww=="), 400, nil},
			{"PATCH", "$1", "hello ", offsetType("Upload-Offset", "0", "Upload-Checksum", "crc32c fmJ+WA=="), 204, []string{"Upload-Offset", "6"}},
			{"PATCH", "$1", "world", offsetType("Upload-Offset", "6", "Upload-Checksum", "sha1 fCEUM/AgcVl3Qeb/Wo6jR4mrv0M="), 204, []string{"Upload-Offset", "11"}},
			{"POST", uploadsURL, "hello world", offsetType("Upload-Length", "11", "Upload-Checksum", "sha256 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), 460, []string{"Location", "-"}},
		},
		"termination": {
			{"POST", uploadsURL, "", []string{"Upload-Length", "5"}, 201, nil},
			{"DELETE", "$1", "", nil, 204, []string{"Tus-Resumable", "1.0.0"}},
			{"HEAD", "$1", "", nil, 404, []string{"Upload-Offset", "-", "Tus-Resumable", "1.0.0"}},
			{"PATCH", "$1", "hello", offsetType("Upload-Offset", "0"), 404, nil},
			{"DELETE", "$1", "", nil, 404, nil},
		},
		"concatenation": {
			{"POST", uploadsURL, "", []string{"Upload-Concat", "partial", "Upload-Length", "3", "Upload-Metadata", metadataOf("filename", "no/name")}, 201, nil},
			{"POST", uploadsURL, "def", offsetType("Upload-Concat", "partial", "Upload-Length", "3"), 201, []string{"Upload-Offset", "3", "Content-Location", "-", "Upload-Expires", expires}},
			{"HEAD", "$2", "", nil, 200, []string{"Upload-Concat", "partial", "Upload-Offset", "3", "Upload-Expires", expires}},
			{"POST", uploadsURL, "", []string{"Upload-Concat", "final;$1 http://edge.example$2", "Upload-Metadata", metadataOf("filename", "joined")}, 201, []string{"Upload-Offset", "-"}},
			{"HEAD", "$3", "", nil, 200, []string{"Upload-Concat", "final;$1 $2", "Upload-Offset", "-", "Upload-Defer-Length", "-"}},
			{"PATCH", "$3", "x", offsetType("Upload-Offset", "0"), 403, nil},
			{"PATCH", "$1", "abc", offsetType("Upload-Offset", "0"), 204, []string{"Upload-Offset", "3", "Content-Location", "-"}},
			{"HEAD", "$3", "", nil, 200, []string{"Upload-Offset", "6", "Upload-Length", "6"}},
			{"GET", "/v1/spaces/default/paths/joined", "", nil, 200, []string{"Content-Length", "6"}},
			{"POST", uploadsURL, "", []string{"Upload-Concat", "final;$1 $2"}, 201, []string{"Content-Location", "/v1/spaces/default/files/f7"}},
			{"POST", uploadsURL, "", []string{"Upload-Concat", "final;$1", "Upload-Length", "3"}, 400, nil},
			{"POST", uploadsURL, "x", []string{"Upload-Concat", "final;$1"}, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Concat", "final;/v1/spaces/other/uploads/u1"}, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Concat", "final;/v1/spaces/default/files/f6"}, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Concat", "final;uploads/u99"}, 404, nil},
		},
		"another method": {
			{"POST", uploadsURL, "", []string{"Upload-Length", "5"}, 201, nil},
			{"POST", "$1", "hello", offsetType("Upload-Offset", "0", "X-HTTP-Method-Override", "PATCH"), 204, []string{"Upload-Offset", "5"}},
			{"POST", "$1", "", []string{"X-HTTP-Method-Override", "HEAD"}, 200, []string{"Upload-Offset", "5", "Content-Length", "0"}},
			{"POST", "$1", "", []string{"X-HTTP-Method-Override", "DELETE"}, 204, nil},
			{"POST", "$1", "", nil, 405, []string{"Allow", "GET, HEAD, PATCH, DELETE, OPTIONS"}},
			{"GET", "$1", "", []string{"X-HTTP-Method-Override", "patch"}, 405, nil},
			{"PUT", "/v1/spaces/default/paths/a", "x", []string{"X-HTTP-Method-Override", "DELETE"}, 201, nil},
		},
		"version": {
			{"POST", uploadsURL, "", []string{"Tus-Resumable", "0.2.2", "Upload-Length", "5"}, 412, []string{"Tus-Version", "1.0.0", "Location", "-"}},
			{"PATCH", uploadsURL + "/u1", "x", []string{"Tus-Resumable", "1.0.1"}, 412, []string{"Tus-Version", "1.0.0"}},
			{"OPTIONS", uploadsURL, "", []string{"Tus-Resumable", "0.1"}, 204, nil},
		},
		"refused": {
			{"POST", uploadsURL, "", []string{"Upload-Length", "5497558138881"}, 413, nil},
			{"POST", uploadsURL, "", []string{"Upload-Length", "-1"}, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Length", "1", "Upload-Metadata", "a,a"}, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Length", "1", "Upload-Concat", "whole"}, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Length", "1", "Upload-Metadata", metadataOf("filename", "a/b")}, 400, nil},
			{"POST", uploadsURL, "", []string{"Upload-Length", "1", "Content-Encoding", "gzip"}, 415, nil},
			{"POST", uploadsURL, "", []string{"Upload-Length", "1"}, 201, nil},
			{"PATCH", "$1", "x", []string{"Upload-Offset", "0"}, 415, nil},
			{"PATCH", "$1", "x", offsetType(), 400, nil},
			{"PATCH", "$1", "x", offsetType("Upload-Offset", "one"), 400, nil},
			{"PATCH", "$1", "xy", offsetType("Upload-Offset", "0"), 400, nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, r *rig) {
				mark := tusMark
				if name == "version" {
					mark = nil
				}
				follow(t, r, steps, mark...)
			})
		})
	}
}

func TestTusOptions(t *testing.T) {
	r := newRig(t, rest.Config{})
	follow(t, r, []step{{"OPTIONS", uploadsURL, "", nil, 204, []string{
		"Tus-Version", "1.0.0", "Tus-Resumable", "1.0.0", "Tus-Max-Size", "5497558138880", "Tus-Checksum-Algorithm", "sha1,sha256,crc32c",
		"Tus-Extension", "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation,concatenation-unfinished",
		"Upload-Limit", "max-size=5497558138880", "Accept-Patch", "application/partial-upload, application/offset+octet-stream", "Allow", "POST, OPTIONS",
	}}})
}

// Where an upload goes, and what metadata is told about it.
func TestUploadTargets(t *testing.T) {
	root := space + "/files/root"
	child := func(folder, name string) *storagev1.CreateUploadRequest {
		return &storagev1.CreateUploadRequest{Target: &storagev1.CreateUploadRequest_Child{Child: &storagev1.ChildTarget{Folder: folder, DisplayName: name}}}
	}
	path := func(p string) *storagev1.CreateUploadRequest {
		return &storagev1.CreateUploadRequest{Target: &storagev1.CreateUploadRequest_Path{Path: &storagev1.PathTarget{Space: space, Path: p}}}
	}
	r := newRig(t, rest.Config{})
	for name, c := range map[string]struct {
		query, meta, disposition string
		want                     *storagev1.CreateUploadRequest // nil: refused
	}{
		"nothing":                      {"", "", "", &storagev1.CreateUploadRequest{}},
		"filename":                     {"", metadataOf("filename", "a"), "", child(root, "a")},
		"filename and path":            {"", metadataOf("filename", "a", "path", "/d/e"), "", path("/d/e/a")},
		"filename and path with slash": {"", metadataOf("filename", "a", "path", "/d/"), "", path("/d/a")},
		"filename in the root":         {"", metadataOf("filename", "a", "path", "/"), "", path("/a")},
		"filename and folder":          {"", metadataOf("filename", "a", "folder", space+"/files/f1"), "", child(space+"/files/f1", "a")},
		"folder alone":                 {"", metadataOf("folder", space+"/files/f1"), "", child(space+"/files/f1", "")},
		"path alone is the file's":     {"", metadataOf("path", "/d/e"), "", path("/d/e")},
		"root alone":                   {"", metadataOf("path", "/"), "", &storagev1.CreateUploadRequest{}},
		"query path":                   {"?path=/d/e", metadataOf("filename", "a", "path", "/x"), "", path("/d/e")},
		"query path of a folder":       {"?path=/d/", metadataOf("filename", "a"), "", path("/d/a")},
		"query path and name":          {"?path=/d&displayName=n", metadataOf("filename", "a"), "", path("/d/n")},
		"query folder":                 {"?folder=" + space + "/files/f1", metadataOf("filename", "a"), "", child(space+"/files/f1", "a")},
		"query name":                   {"?displayName=n", metadataOf("filename", "a"), "", child(root, "n")},
		"disposition":                  {"", "", `inline; filename="x"; filename*=UTF-8''%E2%82%AC`, child(root, "€")},
		"disposition after metadata":   {"", metadataOf("filename", "a"), `inline; filename="x"`, child(root, "a")},
		"both":                         {"?path=/a&folder=" + space + "/files/f1", "", "", nil},
		"relative path":                {"?path=a", "", "", nil},
		"dots":                         {"?path=/a/../b", "", "", nil},
		"path of a folder, nameless":   {"?path=/d/", "", "", nil},
		"slashes":                      {"?path=//", "", "", nil},
		"name with a slash":            {"?displayName=a%2Fb", "", "", nil},
		"folder of another space":      {"?folder=spaces/other/files/f1", "", "", nil},
		"unknown parameter":            {"?name=a", "", "", nil},
		"malformed disposition":        {"", "", `inline; filename="a`, nil},
	} {
		for protocol, fields := range map[string][]string{
			"tus": {"Tus-Resumable", "1.0.0", "Upload-Length", "9"}, "IETF": {"Upload-Complete", "?0", "Upload-Length", "9"},
		} {
			if c.meta != "" {
				fields = append(fields, "Upload-Metadata", c.meta)
			}
			if c.disposition != "" {
				fields = append(fields, "Content-Disposition", c.disposition)
			}
			a := r.do(http.MethodPost, uploadsURL+c.query, nil, fields...)
			if c.want == nil {
				if a.StatusCode != http.StatusBadRequest {
					t.Errorf("%s, %s: %s", name, protocol, a.Status)
				}
				continue
			}
			want := proto.CloneOf(c.want)
			want.Parent, want.SizeBytes, want.ClientMetadata = space, proto.Int64(9), c.meta
			want.HoldOpen = protocol == "IETF"
			if got := last[*storagev1.CreateUploadRequest](r.world); a.StatusCode != http.StatusCreated || !proto.Equal(got, want) {
				t.Errorf("%s, %s: %s, asked %v, want %v", name, protocol, a.Status, got, want)
			}
		}
	}
}

func TestTusCreatesAsItWasAsked(t *testing.T) {
	r := newRig(t, rest.Config{})
	follow(t, r, []step{{"POST", uploadsURL + "?path=/a", "", []string{
		"Upload-Length", "3", "If-None-Match", "*", "Idempotency-Key", "k", "Upload-Metadata", metadataOf("filetype", "Text/HTML"),
	}, 201, nil}}, tusMark...)
	want := &storagev1.CreateUploadRequest{
		Parent: space, SizeBytes: proto.Int64(3), ContentType: "text/html", RequestId: "k", ClientMetadata: metadataOf("filetype", "Text/HTML"),
		Target:    &storagev1.CreateUploadRequest_Path{Path: &storagev1.PathTarget{Space: space, Path: "/a"}},
		Condition: &storagev1.WriteCondition{Absent: true},
	}
	if got := last[*storagev1.CreateUploadRequest](r.world); !proto.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
	r.world.put("/a", "", "there")
	follow(t, r, []step{{"POST", uploadsURL + "?path=/a", "", []string{"Upload-Length", "3", "If-None-Match", "*"}, 412, nil}}, tusMark...)
}

// Only bytes for an upload that is made of others are forbidden (see
// "concatenation" in TestTus); any other conflict of a PATCH is one.
func TestTusConflict(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		follow(t, r, []step{{"POST", uploadsURL, "", []string{"Upload-Length", "3"}, 201, nil}}, tusMark...)
		r.world.make(trouble{fail: reason(errorsv1.Reason_REASON_CONFLICT, "the target is in the trash")})
		follow(t, r, []step{{"PATCH", uploadsURL + "/u1", "abc", offsetType("Upload-Offset", "0"), 409, nil}}, tusMark...)
	})
}
