package rest_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/internal/fault"
)

// A request for an upload takes it over from one that is stuck, which ends with
// an answer of its protocol.
func TestTakeOver(t *testing.T) {
	for name, c := range map[string]struct {
		fields string
		newer  []string
		method string
		status int // of the older request
	}{
		"tus, HEAD":    {"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n", tusMark, http.MethodHead, http.StatusConflict},
		"tus, DELETE":  {"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n", tusMark, http.MethodDelete, http.StatusConflict},
		"IETF, HEAD":   {"Upload-Complete: ?0\r\nContent-Type: application/partial-upload\r\n", nil, http.MethodHead, http.StatusServiceUnavailable},
		"IETF, DELETE": {"Upload-Complete: ?0\r\nContent-Type: application/partial-upload\r\n", nil, http.MethodDelete, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, r *rig) {
				location := r.post(uploadsURL, "", "Tus-Resumable", "1.0.0", "Upload-Length", "1000000").Header.Get("Location")
				stuck := r.dial()
				stuck.send("PATCH %s HTTP/1.1\r\nHost: localhost\r\n%sUpload-Offset: 0\r\nContent-Length: 1000000\r\n\r\n%s", location, c.fields, strings.Repeat("x", 100_000))
				<-r.world.started
				for r.world.uploadAt(location).GetOffsetBytes() == 0 {
					r.get(location) // which takes nothing over
				}
				a := r.do(c.method, location, nil, c.newer...)
				if a.StatusCode/100 != 2 {
					t.Fatalf("%s: %s", c.method, a.Status)
				}
				if u := r.world.uploadAt(location); u != nil {
					a.wantsField(t, "Upload-Offset", strconv.FormatInt(u.GetOffsetBytes(), 10))
				}
				old := stuck.answer(http.MethodPatch)
				if old.StatusCode != c.status || !strings.Contains(string(old.body), "UPLOAD_SUPERSEDED") {
					t.Errorf("the older request: %s, %s", old.Status, old.body)
				}
				stuck.ended()
			})
		})
	}
}

// What came before a cut is kept, and the upload goes on from there.
func TestCutAppendIsKept(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		for protocol, head := range map[string]string{
			"tus":  "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n",
			"IETF": "Upload-Complete: ?0\r\nContent-Type: application/partial-upload\r\n",
		} {
			location := r.post(uploadsURL, "", "Upload-Complete", "?0").Header.Get("Location")
			conn := r.dial()
			conn.send("PATCH %s HTTP/1.1\r\nHost: localhost\r\n%sUpload-Offset: 0\r\nContent-Length: 10\r\n\r\nabc", location, head)
			<-r.world.started
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-r.world.bodies; !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: the body ended with %v", protocol, err)
			}
			follow(t, r, []step{
				{"HEAD", location, "", nil, 204, []string{"Upload-Offset", "3", "Upload-Complete", "?0"}},
				{"PATCH", location, "defg", partialType("Upload-Offset", "3", "Upload-Complete", "?1"), 201, []string{"Upload-Offset", "7"}},
			})
		}
	})
}

// GET of an upload is for those who look: it takes nothing over.
func TestGetUpload(t *testing.T) {
	r := newRig(t, rest.Config{})
	location := r.post(uploadsURL, "abc", "Upload-Complete", "?0", "Upload-Length", "9").Header.Get("Location")
	a := r.get(location)
	a.wants(t, http.StatusOK)
	if u := a.json(t); u["name"] != strings.TrimPrefix(location, "/v1/") || u["offsetBytes"] != "3" || u["sizeBytes"] != "9" || u["state"] != "OPEN" {
		t.Errorf("%s", a.body)
	}
	r.get(location+"0").wants(t, http.StatusNotFound, "NOT_FOUND")
}
