package rest_test

import (
	"net/http"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"google.golang.org/protobuf/proto"
)

const removed = "/v1/spaces/default/paths/a%20b"

// The path is resolved where the change is made, in one call.
func TestRemoveByPath(t *testing.T) {
	r := newRig(t, rest.Config{})
	r.world.put("/a b", "", "x")
	r.do(http.MethodDelete, removed, nil, "Idempotency-Key", "k").wants(t, http.StatusOK)
	if got, want := last[*metadatav1.DeleteFileRequest](r.world), (&metadatav1.DeleteFileRequest{
		Name: "spaces/default/files/root", Path: "/a b", RequestId: "k",
	}); !proto.Equal(got, want) || len(r.world.asked) != 1 {
		t.Errorf("asked %v, want %v alone", r.world.asked, want)
	}
	r.do(http.MethodDelete, removed, nil, "Idempotency-Key", "k").wants(t, http.StatusOK)
	r.do(http.MethodDelete, removed, nil).wants(t, http.StatusNotFound, "NOT_FOUND")
}

// Conditions are about the contents. Those that RFC 9110 has for GET alone count
// for nothing.
func TestRemoveConditions(t *testing.T) {
	for name, c := range map[string]struct {
		fields []string
		status int
	}{
		"the revision":          {[]string{"If-Match", `"f1-r1"`}, http.StatusOK},
		"another revision":      {[]string{"If-Match", `"f1-r2"`}, http.StatusPreconditionFailed},
		"not the revision":      {[]string{"If-None-Match", `"f1-r1"`}, http.StatusPreconditionFailed},
		"not another":           {[]string{"If-None-Match", `"f1-r2"`}, http.StatusOK},
		"unmodified":            {[]string{"If-Unmodified-Since", "Sun, 03 Jan 2027 00:00:00 GMT"}, http.StatusOK},
		"modified since":        {[]string{"If-Modified-Since", "Sun, 03 Jan 2027 00:00:00 GMT"}, http.StatusOK},
		"a range, if unchanged": {[]string{"Range", "bytes=0-0", "If-Range", `"other"`}, http.StatusOK},
	} {
		r := newRig(t, rest.Config{})
		r.world.put("/a b", "", "x")
		if got := r.do(http.MethodDelete, removed, nil, c.fields...); got.StatusCode != c.status {
			t.Errorf("%s: %s, want %d: %s", name, got.Status, c.status, got.body)
		}
		if _, there := r.world.files["/a b"]; there != (c.status != http.StatusOK) {
			t.Errorf("%s: there afterwards: %t", name, there)
		}
	}
}

// A repetition has the first outcome though its condition cannot hold any more,
// and one that was not made before does nothing.
func TestRemoveConditionallyAgain(t *testing.T) {
	r := newRig(t, rest.Config{})
	r.world.put("/a b", "", "x")
	fields := []string{"If-Match", `"f1-r1"`, "Idempotency-Key", "k"}
	first := r.do(http.MethodDelete, removed, nil, fields...)
	first.wants(t, http.StatusOK)
	again := r.do(http.MethodDelete, removed, nil, fields...)
	again.wants(t, http.StatusOK)
	if string(first.body) != string(again.body) {
		t.Errorf("first %s, then %s", first.body, again.body)
	}
	r.world.put("/a b", "", "y")
	r.do(http.MethodDelete, removed, nil, fields...).wants(t, http.StatusOK)
	r.do(http.MethodDelete, removed, nil, "If-Match", `"f1-r1"`, "Idempotency-Key", "other").wants(t, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
	if _, there := r.world.files["/a b"]; !there {
		t.Error("what came after the first removal is gone")
	}
}

// What changes between the look and the removal is looked at again.
func TestRemoveWhatChanges(t *testing.T) {
	r := newRig(t, rest.Config{})
	r.world.put("/a b", "", "x")
	touches := 0
	r.world.make(trouble{touch: func(f *stored) {
		if touches++; touches == 1 {
			f.file.Etag = "changed"
		}
	}})
	r.do(http.MethodDelete, removed, nil, "If-Match", `"f1-r1"`).wants(t, http.StatusOK)
	if touches != 2 {
		t.Errorf("tried %d times, want 2", touches)
	}
	r.world.put("/a b", "", "x")
	r.world.make(trouble{touch: func(f *stored) { f.file.Etag += "+" }})
	r.do(http.MethodDelete, removed, nil, "If-None-Match", `"other"`).wants(t, http.StatusConflict, "CONFLICT")
}
