package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeepTree works in a tree a thousand folders deep as in a flat one.
func TestDeepTree(t *testing.T) {
	const depth = 1000
	each(t, func(t *testing.T, g *target) {
		w := newWeb(t, g)
		contents := random(10_000)
		down := strings.Repeat("/d", depth)
		w.put(down+"/leaf", contents).want(http.StatusCreated)
		w.get(down + "/leaf").want(http.StatusOK).bytes(contents)

		top, bottom := w.lookup("/d"), w.lookup(down)
		w.post("/v1/"+top.Name+":move", `{"folder":"`+bottom.Name+`"}`).failed(http.StatusConflict, "CONFLICT")
		w.post("/v1/"+top.Name+":move", `{"displayName":"e"}`).want(http.StatusOK)
		w.get(down+"/leaf").failed(http.StatusNotFound, "NOT_FOUND")
		moved := "/e" + strings.Repeat("/d", depth-1)
		w.get(moved + "/leaf").want(http.StatusOK).bytes(contents)

		dir := t.TempDir()
		if out, code := g.holdfast(t, "get", "-r", w.root+"/e", dir+"/"); code != 0 {
			t.Fatalf("holdfast get: %d: %s", code, out)
		}
		if got, err := os.ReadFile(filepath.Join(dir, moved, "leaf")); err != nil || string(got) != string(contents) {
			t.Errorf("got back %d bytes, %v", len(got), err)
		}
		if out, code := g.holdfast(t, "put", "-r", filepath.Join(dir, "e"), w.root+"/f"); code != 0 {
			t.Fatalf("holdfast put: %d: %s", code, out)
		}

		w.do(http.MethodDelete, "/v1/"+top.Name, nil).want(http.StatusOK)
		w.get(moved+"/leaf").failed(http.StatusNotFound, "NOT_FOUND")
		w.post("/v1/"+top.Name+":undelete", `{}`).want(http.StatusOK)
		w.get(moved + "/leaf").want(http.StatusOK).bytes(contents)
	})
}
