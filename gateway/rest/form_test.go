package rest_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/protobuf/proto"
)

// part is a part of a form: disposition parameters, content type, body.
type part struct{ disposition, contentType, body string }

func (r *rig) form(parts []part, fields ...string) answer {
	r.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {"form-data; " + p.disposition}}
		if p.contentType != "" {
			h.Set("Content-Type", p.contentType)
		}
		pw, err := w.CreatePart(h)
		if err != nil {
			r.t.Fatal(err)
		}
		if _, err := pw.Write([]byte(p.body)); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		r.t.Fatal(err)
	}
	return r.do(http.MethodPost, filesURL, &b, append(fields, "Content-Type", w.FormDataContentType())...)
}

func TestForm(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		a := r.form([]part{
			{`name="path"`, "", "/docs/new"},
			{`name="file"; filename="a.txt"`, "text/plain", "one"},
			{`name="file"; filename="b.bin"`, "application/octet-stream", strings.Repeat("two", 100_000)},
		}, "Idempotency-Key", "k")
		a.wants(t, http.StatusCreated)
		files, _ := a.json(t)["files"].([]any)
		if len(files) != 2 {
			t.Fatalf("answered %s", a.body)
		}
		for i, want := range []string{"a.txt", "b.bin"} {
			if got := files[i].(map[string]any)["displayName"]; got != want {
				t.Errorf("file %d is %v, want %s", i, got, want)
			}
		}
		if got := r.get("/v1/spaces/default/paths/docs/new/b.bin"); string(got.body) != strings.Repeat("two", 100_000) {
			t.Error("other bytes came back")
		}
		want := &storagev1.UploadSpec{
			Target:    &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Space: space, Path: "/docs/new/b.bin"}},
			RequestId: "k/2",
		}
		if got := last[*storagev1.UploadSpec](r.world); !proto.Equal(got, want) {
			t.Errorf("asked %v, want %v", got, want)
		}
	})
}

func TestFormTarget(t *testing.T) {
	r := newRig(t, rest.Config{})
	file := part{`name="file"; filename="a.txt"`, "", "x"}
	for name, c := range map[string]struct {
		parts []part
		want  *storagev1.UploadSpec
	}{
		"root": {[]part{file}, &storagev1.UploadSpec{Target: child("root")}},
		"folder": {
			[]part{{`name="folder"`, "", "spaces/default/files/f1"}, file},
			&storagev1.UploadSpec{Target: child("f1")},
		},
		"path /": {
			[]part{{`name="path"`, "", "/"}, file},
			&storagev1.UploadSpec{Target: &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Space: space, Path: "/a.txt"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r.form(c.parts).wants(t, http.StatusCreated)
			if got := last[*storagev1.UploadSpec](r.world); !proto.Equal(got, c.want) {
				t.Errorf("asked %v, want %v", got, c.want)
			}
		})
	}
}

func child(folder string) *storagev1.UploadSpec_Child {
	return &storagev1.UploadSpec_Child{Child: &storagev1.ChildTarget{Folder: space + "/files/" + folder, DisplayName: "a.txt"}}
}

func TestFormFileNames(t *testing.T) {
	r := newRig(t, rest.Config{})
	for disposition, want := range map[string]string{
		`filename="dir/a.txt"`:            "a.txt",
		`filename="../../etc/passwd"`:     "passwd",
		`filename="C:\\docs\\a.txt"`:      "a.txt",
		`filename="C:\docs\a.txt"`:        "a.txt",
		`filename="a\\b.txt"`:             `a\b.txt`,
		`filename="a%22b.txt"`:            `a"b.txt`,
		`filename="100%25.txt"`:           "100%25.txt",
		`filename="日本.txt"`:               "日本.txt",
		`filename*=UTF-8''na%C3%AFve.txt`: "naïve.txt",
	} {
		a := r.form([]part{{`name="file"; ` + disposition, "", "x"}})
		a.wants(t, http.StatusCreated)
		if got := last[*storagev1.UploadSpec](r.world).GetChild().GetDisplayName(); got != want {
			t.Errorf("%s: %q, want %q", disposition, got, want)
		}
	}
	for _, disposition := range []string{`filename=""`, `x="y"`, `filename=".."`, `filename="."`, `filename="/"`, "filename=\"a\x01b\"", "filename=\"\xff\""} {
		r.form([]part{{`name="file"; ` + disposition, "", "x"}}).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	}
}

func TestFormRefuses(t *testing.T) {
	r := newRig(t, rest.Config{})
	file := part{`name="file"; filename="a.txt"`, "", "x"}
	for name, parts := range map[string][]part{
		"no file":                 {{`name="path"`, "", "/a"}},
		"nothing":                 {},
		"path after a file":       {file, {`name="path"`, "", "/a"}},
		"both":                    {{`name="path"`, "", "/a"}, {`name="folder"`, "", "spaces/default/files/x"}, file},
		"path twice":              {{`name="path"`, "", "/a"}, {`name="path"`, "", "/a"}, file},
		"unknown field":           {{`name="colour"`, "", "red"}, file},
		"no name":                 {{`x="y"`, "", "red"}, file},
		"relative path":           {{`name="path"`, "", "a"}, file},
		"path with ..":            {{`name="path"`, "", "/a/../b"}, file},
		"path with empty segment": {{`name="path"`, "", "/a//b"}, file},
		"path with final slash":   {{`name="path"`, "", "/a/"}, file},
		"long path":               {{`name="path"`, "", "/" + strings.Repeat("a", 9000)}, file},
		"folder of another space": {{`name="folder"`, "", "spaces/other/files/x"}, file},
		"folder that is none":     {{`name="folder"`, "", "/docs"}, file},
		"content type of a file":  {{`name="file"; filename="a.txt"`, "text", "x"}},
		"much before a part":      {{`name="file"; filename="` + strings.Repeat("a", 70_000) + `"`, "", "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			r.form(parts).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
		})
	}
	for name, c := range map[string]struct{ contentType, body string }{
		"no boundary":   {"multipart/form-data", "x"},
		"long boundary": {"multipart/form-data; boundary=" + strings.Repeat("b", 71), "x"},
		"cut in a file": {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nabc"},
		"cut in a head": {"multipart/form-data; boundary=b", "--b\r\nContent-Dispo"},
		"no part":       {"multipart/form-data; boundary=b", "hello"},
		"empty":         {"multipart/form-data; boundary=b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r.post(filesURL, c.body, "Content-Type", c.contentType).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
		})
	}
	for _, fields := range [][]string{
		{"If-Match", `"a"`}, {"If-None-Match", `"a"`}, {"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"},
		{"Idempotency-Key", strings.Repeat("k", 121)}, {"Content-Range", "bytes 0-1/2"},
	} {
		r.form([]part{file}, fields...).wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	}
	if got := r.world.files["/a.txt"]; got != nil && got.revisions != 1 { // of "path after a file"
		t.Errorf("stored %d times", got.revisions)
	}
}

// When a file fails, those before it stay, and the answer says so.
func TestFormFailsMidway(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		r.world.put("/b.txt", "", "old")
		a := r.form([]part{
			{`name="file"; filename="a.txt"`, "", "x"},
			{`name="file"; filename="b.txt"`, "", "x"},
			{`name="file"; filename="c.txt"`, "", strings.Repeat("x", 2_000_000)},
		}, "If-None-Match", "*")
		a.wants(t, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		if _, message := a.errorOf(t); !strings.Contains(message, "file 1") || !strings.Contains(message, "stored") {
			t.Errorf("message %q", message)
		}
		if r.world.files["/a.txt"] == nil || r.world.files["/c.txt"] != nil || r.world.files["/b.txt"].revisions != 1 {
			t.Errorf("stored %v", r.world.files)
		}
		r.world.make(trouble{fail: reason(errorsv1.Reason_REASON_QUOTA_EXCEEDED, "full")})
		r.form([]part{{`name="file"; filename="a.txt"`, "", strings.Repeat("x", 100_000)}}).wants(t, http.StatusInsufficientStorage, "QUOTA_EXCEEDED")
	})
}

// The connection lives on after a form that was read to its end, and a form
// without a last boundary is none.
func TestFormKeepsConnection(t *testing.T) {
	r := newRig(t, rest.Config{})
	body := "--b\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nabc\r\n--b--\r\nepilogue"
	c := r.dial()
	for range 2 {
		c.send("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
			filesURL, len(body), body)
		a := c.answer(http.MethodPost)
		if a.StatusCode != http.StatusCreated || a.Close {
			t.Fatal(fmt.Sprint(a.Status, a.Close, string(a.body)))
		}
	}
}
