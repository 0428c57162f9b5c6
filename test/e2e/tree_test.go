package e2e_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
)

// tree makes, lists, renames and moves.
func tree(t *testing.T, g *target) {
	w := newWeb(t, g)
	w.put("/from/deep/er/leaf.txt", []byte("leaf")).want(http.StatusCreated)
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("n%d", i)
		w.put("/list/"+name, []byte(name)).want(http.StatusCreated)
		want = append(want, name)
	}
	in := "path=" + url.QueryEscape(w.root+"/list")
	if got := w.names(in, 3); !slices.Equal(got, want) {
		t.Errorf("the folder has %v", got)
	}
	slices.Reverse(want)
	if got := w.names(in+"&orderBy=display_name+desc", 100); !slices.Equal(got, want) {
		t.Errorf("in the other order it has %v", got)
	}
	if got := w.names(in+"&filter="+url.QueryEscape(`display_name = "n3"`), 100); !slices.Equal(got, []string{"n3"}) {
		t.Errorf("the filter finds %v", got)
	}

	file := w.lookup("/list/n0")
	renamed := w.do(http.MethodPatch, "/v1/"+file.Name, strings.NewReader(`{"displayName":"renamed"}`), "Content-Type", "application/json", "If-Match", `"`+file.Etag+`"`).want(http.StatusOK).node()
	if renamed.Name != file.Name || renamed.DisplayName != "renamed" || renamed.Etag == file.Etag {
		t.Errorf("renamed it is %+v", renamed)
	}
	w.do(http.MethodPatch, "/v1/"+file.Name, strings.NewReader(`{"displayName":"again"}`), "Content-Type", "application/json", "If-Match", `"`+file.Etag+`"`).
		failed(http.StatusPreconditionFailed, "PRECONDITION_FAILED")
	w.do(http.MethodPatch, "/v1/"+file.Name, strings.NewReader(`{"displayName":"n1"}`), "Content-Type", "application/json").failed(http.StatusConflict, "ALREADY_EXISTS")

	made := w.post("/v1/spaces/default/files", fmt.Sprintf(`{"displayName":"to","kind":"FOLDER","folder":%q}`, w.lookup("").Name)).want(http.StatusCreated).node()
	folder := w.lookup("/from/deep")
	w.post("/v1/"+folder.Name+":move", fmt.Sprintf(`{"folder":%q,"displayName":"moved"}`, made.Name)).want(http.StatusOK)
	w.get("/to/moved/er/leaf.txt").want(http.StatusOK).bytes([]byte("leaf"))
	w.get("/from/deep/er/leaf.txt").failed(http.StatusNotFound, "NOT_FOUND")
	w.post("/v1/"+made.Name+":move", fmt.Sprintf(`{"folder":%q}`, folder.Name)).want(http.StatusConflict)
}

// trash takes a folder away, brings it back, and purges it.
func trash(t *testing.T, g *target) {
	w := newWeb(t, g)
	w.put("/box/in/side", []byte("kept")).want(http.StatusCreated)
	box, inside := w.lookup("/box"), w.lookup("/box/in/side")
	w.do(http.MethodDelete, w.at("/box"), nil).want(http.StatusOK)
	w.get("/box/in/side").failed(http.StatusNotFound, "NOT_FOUND")
	w.do(http.MethodGet, "/v1/"+inside.Name+"/content", nil).failed(http.StatusNotFound, "NOT_FOUND")
	if !slices.Contains(w.names("trashed=true&filter="+url.QueryEscape(`display_name = "box"`), 100), "box") {
		t.Error("the trash does not have it")
	}
	w.put("/box", []byte("in the way")).want(http.StatusCreated)
	w.post("/v1/"+box.Name+":undelete", "{}").failed(http.StatusConflict, "ALREADY_EXISTS")
	w.post("/v1/"+box.Name+":undelete", fmt.Sprintf(`{"folder":%q,"displayName":"back"}`, w.lookup("").Name)).want(http.StatusOK)
	w.get("/back/in/side").want(http.StatusOK).bytes([]byte("kept"))

	w.do(http.MethodDelete, "/v1/"+box.Name, nil).want(http.StatusOK)
	w.post("/v1/"+box.Name+":purge", "{}").want(http.StatusOK)
	w.do(http.MethodGet, "/v1/"+box.Name, nil).failed(http.StatusNotFound, "NOT_FOUND")
}

// revisions keep what was, and bring it back.
func revisions(t *testing.T, g *target) {
	w := newWeb(t, g)
	for _, contents := range []string{"first", "second", "third"} {
		w.put("/r", []byte(contents))
	}
	n := w.lookup("/r")
	var list struct {
		Revisions []struct{ Name, SizeBytes string }
	}
	w.do(http.MethodGet, "/v1/"+n.Name+"/revisions", nil).want(http.StatusOK).json(&list)
	if len(list.Revisions) != 3 || list.Revisions[0].Name != n.Revision {
		t.Fatalf("%d revisions: %+v, the current one is %s", len(list.Revisions), list.Revisions, n.Revision)
	}
	oldest := list.Revisions[2].Name
	w.do(http.MethodGet, "/v1/"+n.Name+"/content?revision="+path.Base(oldest), nil).want(http.StatusOK).bytes([]byte("first")).
		field("Cache-Control", "private, max-age=31536000, immutable")
	w.post("/v1/"+oldest+":restore", "{}").want(http.StatusOK)
	w.get("/r").want(http.StatusOK).bytes([]byte("first"))
	w.do(http.MethodDelete, "/v1/"+list.Revisions[1].Name, nil).want(http.StatusOK)
	w.do(http.MethodGet, "/v1/"+n.Name+"/content?revision="+path.Base(list.Revisions[1].Name), nil).failed(http.StatusNotFound, "NOT_FOUND")
}

// form uploads as a browser does.
func form(t *testing.T, g *target) {
	w := newWeb(t, g)
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	if err := m.WriteField("path", w.root+"/photos"); err != nil {
		t.Fatal(err)
	}
	sent := map[string][]byte{"a.jpg": random(1000), "b ü.jpg": random(200_000)}
	for _, name := range []string{"a.jpg", "b ü.jpg"} {
		part, err := m.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(sent[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	var made struct{ Files []node }
	w.do(http.MethodPost, "/v1/spaces/default/files", &body, "Content-Type", m.FormDataContentType()).want(http.StatusCreated).json(&made)
	if len(made.Files) != 2 {
		t.Errorf("made %+v", made)
	}
	for name, contents := range sent {
		w.get("/photos/" + name).want(http.StatusOK).bytes(contents)
	}
}

// repeats have the outcome of the first.
func repeats(t *testing.T, g *target) {
	w := newWeb(t, g)
	key := []string{"Idempotency-Key", `"` + sum([]byte(w.root))[:32] + `"`}
	first := w.put("/once", []byte("once"), key...).want(http.StatusCreated)
	w.put("/once", []byte("once"), key...).want(http.StatusCreated).field("Etag", first.header.Get("Etag")).bytes(first.body)
	w.put("/once", []byte("other"), key...).failed(http.StatusConflict, "REQUEST_ID_REUSED")
	w.get("/once").want(http.StatusOK).bytes([]byte("once"))

	made := fmt.Sprintf(`{"displayName":"folder","kind":"FOLDER","folder":%q}`, w.lookup("").Name)
	key[1] = `"` + sum([]byte(w.root))[32:] + `"`
	one := w.post("/v1/spaces/default/files", made, key...).want(http.StatusCreated).node()
	if two := w.post("/v1/spaces/default/files", made, key...).want(http.StatusCreated).node(); one.Name != two.Name {
		t.Errorf("made %s and then %s", one.Name, two.Name)
	}
	w.post("/v1/spaces/default/files", made).failed(http.StatusConflict, "ALREADY_EXISTS")

	for i, conditional := range []bool{false, true} {
		fields := []string{"Idempotency-Key", fmt.Sprintf("%q", sum([]byte(w.root))[:40+i])}
		if conditional {
			fields = append(fields, "If-Match", first.header.Get("Etag"))
		}
		path := w.at("/once")
		gone := w.do(http.MethodDelete, path, nil, fields...).want(http.StatusOK)
		w.put("/once", []byte("anew")).want(http.StatusCreated) // not what is to be removed
		w.do(http.MethodDelete, path, nil, fields...).want(http.StatusOK).bytes(gone.body)
		w.get("/once").want(http.StatusOK).bytes([]byte("anew"))
		first = w.put("/once", []byte("twice")).want(http.StatusOK)
	}
}
