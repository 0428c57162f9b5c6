package rest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const filesURL = "/v1/spaces/default/files"

func TestJSONCreate(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		a := r.post(filesURL, `{"displayName":"docs","kind":"FOLDER","folder":"spaces/default/files/root"}`,
			"Content-Type", "application/json; charset=utf-8", "Idempotency-Key", "k1")
		a.wants(t, http.StatusCreated)
		a.wantsField(t, "Location", "/v1/spaces/default/files/new")
		a.wantsField(t, "Etag", `"e1"`)
		a.wantsField(t, "Content-Type", "application/json")
		a.wantsField(t, "Cache-Control", "private, no-cache")
		want := &metadatav1.CreateFileRequest{
			Parent: space, RequestId: "k1",
			File: &metadatav1.File{DisplayName: "docs", Kind: metadatav1.File_FOLDER, Folder: "spaces/default/files/root"},
		}
		if got := last[*metadatav1.CreateFileRequest](r.world); !proto.Equal(got, want) {
			t.Errorf("asked %v, want %v", got, want)
		}

		a = r.post("/v1/spaces?spaceId=team", "")
		a.wants(t, http.StatusCreated)
		a.wantsField(t, "Location", "/v1/spaces/team")
		if got := last[*metadatav1.CreateSpaceRequest](r.world); got.GetSpaceId() != "team" {
			t.Errorf("asked %v", got)
		}
	})
}

func TestJSONRead(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		f := r.world.put("/a.txt", "text/plain", "")
		url := "/v1/" + f.file.GetName()
		a := r.get(url)
		a.wants(t, http.StatusOK)
		etag := `"` + f.file.GetEtag() + `"`
		a.wantsField(t, "Etag", etag)
		node := a.json(t)
		for name, want := range map[string]any{
			"name": f.file.GetName(), "displayName": "a.txt", "kind": "FILE", "sizeBytes": "0", "contentType": "text/plain",
			"createTime": "2026-01-02T03:04:05Z", "etag": f.file.GetEtag(),
		} {
			if node[name] != want {
				t.Errorf("%s: %v, want %v", name, node[name], want)
			}
		}
		if _, ok := node["deleteTime"]; ok {
			t.Errorf("a time that is not set: %s", a.body)
		}

		r.get(url, "If-None-Match", etag).wants(t, http.StatusNotModified)
		r.get(url, "If-None-Match", `"x"`).wants(t, http.StatusOK)
		r.get(url, "If-Match", etag).wants(t, http.StatusOK)
		r.get(url, "If-Match", `"x"`).wants(t, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		r.get(url, "If-None-Match", `x`).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")

		head := r.do(http.MethodHead, url, nil)
		head.wants(t, http.StatusOK)
		head.wantsField(t, "Etag", etag)
		if len(head.body) != 0 || head.ContentLength != int64(len(a.body)) {
			t.Errorf("HEAD: %d announced, %q came; GET has %d", head.ContentLength, head.body, len(a.body))
		}
		r.get("/v1/spaces/default/files:lookup?path=/a.txt").wants(t, http.StatusOK)
		r.get("/v1/spaces/default/files:lookup?path=/b.txt").wants(t, http.StatusNotFound, "NOT_FOUND")
		r.get("/v1/spaces/default/files/nothing").wants(t, http.StatusNotFound, "NOT_FOUND")
	})
}

func TestJSONList(t *testing.T) {
	r := newRig(t, rest.Config{})
	a := r.get(filesURL + "?path=/a/b&pageSize=5&pageToken=t&orderBy=display_name+desc&filter=kind%3DFILE&trashed=true&folder=spaces/default/files/x")
	a.wants(t, http.StatusOK)
	if got := a.json(t); got["files"] == nil || got["nextPageToken"] != "" {
		t.Errorf("an empty page is %s", a.body)
	}
	want := &metadatav1.ListFilesRequest{
		Parent: space, Path: "/a/b", PageSize: 5, PageToken: "t", OrderBy: "display_name desc", Filter: "kind=FILE",
		Trashed: true, Folder: "spaces/default/files/x",
	}
	if got := last[*metadatav1.ListFilesRequest](r.world); !proto.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
}

func TestJSONRefusesQuery(t *testing.T) {
	r := newRig(t, rest.Config{})
	for _, query := range []string{
		"?x=1", "?parent=spaces/other", "?pageSize=many", "?pageSize=1&pageSize=2", "?pageSize=1&page_size=2", "?pageSize=99999999999",
		"?trashed=perhaps", "?a;b", "?pageSize=%zz", "?page_size.x=1", "?PageSize=1", "?",
	} {
		a := r.get(filesURL + query)
		if query == "?" {
			a.wants(t, http.StatusOK)
			continue
		}
		if a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s %s", query, a.Status, a.body)
			continue
		}
		a.wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	}
	r.post(filesURL+"?file.display_name=x", "{}").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	r.post(filesURL+"/x:move?folder=y", "{}").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	for query, field := range map[string]string{"pageSize=many": "page_size", "trashed=perhaps": "trashed"} {
		a := r.get(filesURL + "?" + query)
		_, message := a.errorOf(t)
		if strings.Contains(message, "strconv") || strings.Contains(message, "body") || !strings.Contains(string(a.body), `"field":"`+field+`"`) {
			t.Errorf("?%s: %s", query, a.body)
		}
	}
	if _, message := r.get(filesURL + "?colour=red").errorOf(t); !strings.Contains(message, "colour") {
		t.Errorf("message %q does not name it", message)
	}
}

func TestJSONRefusesBody(t *testing.T) {
	r := newRig(t, rest.Config{Limits: rest.Limits{JSONBytes: 1000}})
	for name, body := range map[string]string{
		"garbage":          `{`,
		"trailing":         `{"displayName":"x"} {}`,
		"trailing letters": `{"displayName":"x"}x`,
		"array":            `[]`,
		"null":             `null`,
		"string":           `"x"`,
		"unknown field":    `{"colour":"red"}`,
		"wrong type":       `{"displayName":1}`,
		"wrong enum":       `{"kind":"PIPE"}`,
		"wrong time":       `{"expireTime":"tomorrow"}`,
		"twice":            `{"displayName":"x","displayName":"y"}`,
		"twice, two names": `{"displayName":"x","display_name":"y"}`,
		"not UTF-8":        "{\"displayName\":\"\xff\"}",
		"deep":             `{"labels":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat("}", 101),
		"deep array":       `{"labels":` + strings.Repeat(`[`, 400) + strings.Repeat("]", 400) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			r.post(filesURL, body).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
		})
	}
	if _, message := r.post(filesURL, `{"colour":"red"}`).errorOf(t); !strings.Contains(message, `unknown field "colour"`) {
		t.Errorf("message %q does not name it", message)
	}
	r.post(filesURL, `{"displayName":"`+strings.Repeat("x", 1000)+`"}`).wants(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
	r.do(http.MethodPost, filesURL, struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", 1001))}).
		wants(t, http.StatusRequestEntityTooLarge, "TOO_LARGE")
	r.post(filesURL, `{}`, "Content-Type", "text/plain").wants(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA")
	r.post(filesURL, `{}`, "Content-Type", "application/json; charset=latin1").wants(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA")
	r.post(filesURL, `{}`, "Content-Encoding", "gzip").wants(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA")
	if got := last[*metadatav1.CreateFileRequest](r.world); got != nil {
		t.Errorf("metadata was asked %v", got)
	}
}

func TestJSONTakesCurlsContentType(t *testing.T) {
	r := newRig(t, rest.Config{})
	r.post(filesURL, `{"displayName":"a=b&c"}`, "Content-Type", "application/x-www-form-urlencoded").wants(t, http.StatusCreated)
	if got := last[*metadatav1.CreateFileRequest](r.world).GetFile().GetDisplayName(); got != "a=b&c" {
		t.Errorf("asked for %q", got)
	}
}

func TestJSONUpdate(t *testing.T) {
	r := newRig(t, rest.Config{})
	const url = filesURL + "/x"
	for name, c := range map[string]struct {
		url, body string
		fields    []string
		want      *metadatav1.UpdateFileRequest
	}{
		"mask by JSON names": {
			url + "?updateMask=displayName,contentType", `{"displayName":"y"}`, nil,
			&metadatav1.UpdateFileRequest{File: &metadatav1.File{DisplayName: "y"}, UpdateMask: mask("display_name", "content_type")},
		},
		"mask by proto names": {
			url + "?updateMask=expire_time", `{}`, nil,
			&metadatav1.UpdateFileRequest{File: &metadatav1.File{}, UpdateMask: mask("expire_time")},
		},
		"mask of what is no field": {
			url + "?updateMask=colour", `{}`, nil,
			&metadatav1.UpdateFileRequest{File: &metadatav1.File{}, UpdateMask: mask("colour")},
		},
		"mask *": {
			url + "?updateMask=*", `{"displayName":"y"}`, nil,
			&metadatav1.UpdateFileRequest{File: &metadatav1.File{DisplayName: "y"}, UpdateMask: mask("*")},
		},
		"no mask, cleared labels": {
			url, `{"labels":{}}`, nil,
			&metadatav1.UpdateFileRequest{File: &metadatav1.File{}, UpdateMask: mask("labels")},
		},
		"no mask, cleared time": {
			url, `{"expireTime":null}`, nil,
			&metadatav1.UpdateFileRequest{File: &metadatav1.File{}, UpdateMask: mask("expire_time")},
		},
		"no mask, output only": {
			url, `{"displayName":"y","sizeBytes":"5","kind":"FILE","etag":"e","createTime":null}`, nil,
			&metadatav1.UpdateFileRequest{
				File:       &metadatav1.File{DisplayName: "y", SizeBytes: 5, Kind: metadatav1.File_FILE, Etag: "e"},
				UpdateMask: mask("display_name"),
			},
		},
		"if-match": {
			url, `{"displayName":"y"}`, []string{"If-Match", `"e1"`, "Idempotency-Key", "k"},
			&metadatav1.UpdateFileRequest{
				File: &metadatav1.File{DisplayName: "y", Etag: `"e1"`}, UpdateMask: mask("display_name"), RequestId: "k",
			},
		},
		"if-match, unquoted": {
			url, `{"displayName":"y","etag":"e1"}`, []string{"If-Match", `e1`},
			&metadatav1.UpdateFileRequest{File: &metadatav1.File{DisplayName: "y", Etag: `e1`}, UpdateMask: mask("display_name")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.File.Name = "spaces/default/files/x"
			r.do(http.MethodPatch, c.url, strings.NewReader(c.body), c.fields...).wants(t, http.StatusOK)
			got := last[*metadatav1.UpdateFileRequest](r.world)
			if got.GetUpdateMask() != nil {
				slices.Sort(got.GetUpdateMask().GetPaths())
				slices.Sort(c.want.GetUpdateMask().GetPaths())
			}
			if !proto.Equal(got, c.want) {
				t.Errorf("asked %v, want %v", got, c.want)
			}
		})
	}
	r.do(http.MethodPatch, url, strings.NewReader(`{"etag":"e1"}`), "If-Match", `"e2"`).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	r.do(http.MethodPatch, url+"?requestId=k1", strings.NewReader(`{}`), "Idempotency-Key", `k2`).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	r.do(http.MethodPatch, "/v1/spaces/default", strings.NewReader(`{"displayName":"y"}`), "If-Match", `*`).wants(t, http.StatusOK)
	if got := last[*metadatav1.UpdateSpaceRequest](r.world); got.GetSpace().GetEtag() != "*" || got.GetSpace().GetName() != space {
		t.Errorf("asked %v", got)
	}
}

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

func TestJSONCustomMethods(t *testing.T) {
	r := newRig(t, rest.Config{})
	r.post(filesURL+"/x:move", `{"folder":"spaces/default/files/y","displayName":"z","etag":"e1"}`).wants(t, http.StatusOK)
	if got, want := last[*metadatav1.MoveFileRequest](r.world), (&metadatav1.MoveFileRequest{
		Name: "spaces/default/files/x", Folder: "spaces/default/files/y", DisplayName: "z", Etag: "e1",
	}); !proto.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
	r.post(filesURL+"/x:undelete", ``, "If-Match", `"e"`).wants(t, http.StatusOK)
	if got := last[*metadatav1.UndeleteFileRequest](r.world); got.GetName() != "spaces/default/files/x" || got.GetEtag() != `"e"` {
		t.Errorf("asked %v", got)
	}
	a := r.post(filesURL+"/x:purge", `{}`)
	a.wants(t, http.StatusOK)
	if string(a.body) != "{}" {
		t.Errorf("answered %s", a.body)
	}
	r.post(filesURL+"/x/revisions/r:restore", `{}`).wants(t, http.StatusOK)
	if got := last[*metadatav1.RestoreRevisionRequest](r.world); got.GetName() != "spaces/default/files/x/revisions/r" {
		t.Errorf("asked %v", got)
	}
	r.do(http.MethodDelete, "/v1/spaces/default?force=true", nil, "If-Match", `"e"`, "Idempotency-Key", "k").wants(t, http.StatusOK)
	if got, want := last[*metadatav1.DeleteSpaceRequest](r.world), (&metadatav1.DeleteSpaceRequest{
		Name: space, Force: true, Etag: `"e"`, RequestId: "k",
	}); !proto.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
}

// A condition that would not be judged must not be ignored either.
func TestJSONRefusesConditions(t *testing.T) {
	r := newRig(t, rest.Config{})
	r.post(filesURL, `{"displayName":"x","kind":"FOLDER"}`, "If-Match", `"e"`).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	r.post(filesURL, `{"displayName":"x","kind":"FOLDER"}`, "If-None-Match", `*`).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	r.do(http.MethodDelete, filesURL+"/x/revisions/r", nil, "If-Match", `"e"`).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	r.do(http.MethodDelete, filesURL+"/x", nil, "If-None-Match", `"e"`).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
}

// A condition that names nothing is malformed. Metadata would take it for none.
func TestJSONRefusesEmptyConditions(t *testing.T) {
	r := newRig(t, rest.Config{})
	for method, urls := range map[string][]string{
		http.MethodDelete: {filesURL + "/x", "/v1/spaces/default", "/v1/spaces/default/shares/s"},
		http.MethodPatch:  {filesURL + "/x", "/v1/spaces/default"},
		http.MethodPost:   {filesURL + "/x:move", filesURL + "/x:purge", filesURL + "/x:undelete", filesURL + "/x/revisions/r:restore"},
	} {
		for _, url := range urls {
			for _, lines := range [][]string{{""}, {","}, {" , ,\t"}, {"", ""}} {
				var fields []string
				for _, line := range lines {
					fields = append(fields, "If-Match", line)
				}
				a := r.do(method, url, strings.NewReader(`{}`), fields...)
				if a.StatusCode != http.StatusBadRequest {
					t.Errorf("%s %s with If-Match %q: %s", method, url, lines, a.Status)
				}
			}
		}
	}
	if len(r.world.asked) != 0 {
		t.Errorf("metadata was asked %v", r.world.asked)
	}
}

// Nothing that a client writes into the header of a request may look to the
// services as if we had said it.
func TestJSONLeaksNoHeader(t *testing.T) {
	for name, make := range map[string]func(*testing.T, rest.Config) *rig{"one process": newRig, "over gRPC": newRemoteRig} {
		t.Run(name, func(t *testing.T) {
			r := make(t, rest.Config{})
			a := r.get(filesURL,
				"Grpc-Metadata-X-Viewer-Address", "9.9.9.9", "Grpc-Metadata-Authorization", "Bearer forged", "Grpc-Timeout", "1n",
				"X-Viewer-Address", "9.9.9.9", "X-Request-Id", "forged", "X-Forwarded-For", "9.9.9.9", "X-Forwarded-Host", "evil",
				"Authorization", "Bearer good", "Cookie", "a=b", "Te", "trailers", "X-Http-Method-Override", "DELETE", "Grpcgateway-Host", "x")
			a.wants(t, http.StatusOK)
			if a.Header.Get("X-Request-Id") == "forged" || len(a.Trailer) != 0 || a.ContentLength < 0 {
				t.Errorf("%v, trailer %v, length %d", a.Header, a.Trailer, a.ContentLength)
			}
			for key := range a.Header {
				if strings.HasPrefix(key, "Grpc-") {
					t.Errorf("answered %s", key)
				}
			}
			allowed := []string{"authorization", "x-request-id", "x-viewer-address", "content-type", "user-agent", ":authority",
				"grpc-accept-encoding"} // of our own connection: the exporters of telemetry register gzip
			for _, key := range r.world.leaked {
				if !slices.Contains(allowed, key) {
					t.Errorf("metadata %s went along", key)
				}
			}
			c := r.world.callers[0]
			if c.Authorization != "Bearer good" || c.Address != "127.0.0.1" || c.RequestID != a.Header.Get("X-Request-Id") {
				t.Errorf("caller %+v", c)
			}
			if last[*metadatav1.ListFilesRequest](r.world) == nil {
				t.Error("another method was called")
			}
		})
	}
}

func TestJSONIsCompact(t *testing.T) {
	r := newRig(t, rest.Config{})
	f := r.world.put("/a.txt", "text/plain", "x")
	a := r.get("/v1/" + f.file.GetName())
	var compact strings.Builder
	enc := json.NewEncoder(&compact)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(json.RawMessage(a.body)); err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(compact.String()) != string(a.body) {
		t.Errorf("%s", a.body)
	}
}
