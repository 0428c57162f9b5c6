package access_test

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// placeholders make what the braces of a golden table stand for.
var placeholders = map[string]func(w *world) string{
	"{fresh}": (*world).fresh,
	"{file}":  func(w *world) string { return w.put(w.fresh())["name"].(string) },
	"{path}": func(w *world) string {
		name := w.fresh()
		w.put(name)
		return name
	},
	"{trashed}": func(w *world) string {
		name := w.put(w.fresh())["name"].(string)
		w.make(http.MethodDelete, "/v1/"+name, "")
		return name
	},
	"{old}": func(w *world) string {
		name := w.fresh()
		old := w.put(name)["revision"].(string)
		w.put(name)
		return old
	},
	"{member}": func(w *world) string {
		return w.make(http.MethodPost, "/v1/spaces/team/members",
			`{"principal":"group:`+w.fresh()+`","role":"READER"}`)["name"].(string)
	},
	"{key}": func(w *world) string {
		return w.make(http.MethodPost, "/v1/spaces/team/keys", `{"scope":"READ"}`)["name"].(string)
	},
	"{share}": func(w *world) string {
		file := w.put(w.fresh())["name"].(string)
		return w.make(http.MethodPost, "/v1/spaces/team/shares", `{"file":"`+file+`"}`)["name"].(string)
	},
	"{upload}": func(w *world) string {
		req := w.request(http.MethodPost, "/v1/spaces/team/uploads", "abc")
		req.Header.Set("Authorization", "Bearer "+w.bearers["administrator"])
		resp, err := w.client.Do(req)
		if err != nil {
			w.t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			w.t.Fatalf("open an upload: %s", resp.Status)
		}
		return strings.TrimPrefix(resp.Header.Get("Location"), "/v1/")
	},
	"{doomed}": func(w *world) string {
		return w.make(http.MethodPost, "/v1/spaces?spaceId="+w.fresh(), "{}")["name"].(string)
	},
}

func (w *world) put(path string) object {
	return w.make(http.MethodPut, "/v1/spaces/team/paths/"+path, "contents")
}

// expand fills the braces in. A call that is to succeed gets what is fresh, and
// those that are not share one of each kind, which must stay as it is.
func (w *world) expand(text string, succeeds bool) string {
	for brace, fixture := range placeholders {
		for strings.Contains(text, brace) {
			name := ""
			switch {
			case succeeds || brace == "{fresh}":
				name = fixture(w)
			case brace == "{doomed}":
				name = "spaces/team" // where the callers have their roles
			default:
				if w.shared[brace] == "" {
					w.shared[brace] = fixture(w)
				}
				name = w.shared[brace]
			}
			text = strings.Replace(text, brace, name, 1)
		}
	}
	return text
}

// untouched checks that what denied calls were about is as it was.
func (w *world) untouched() {
	w.t.Helper()
	for brace, name := range w.shared {
		target := "/v1/" + name
		if brace == "{path}" {
			target = "/v1/spaces/team/paths/" + name
		}
		status, text := w.call("administrator", http.MethodGet, target, "")
		if status != http.StatusOK {
			w.t.Errorf("%s is gone after calls that were denied: %d %s", name, status, text)
		}
		trashed := strings.Contains(string(text), `"deleteTime"`)
		if brace == "{file}" && (trashed || strings.Contains(string(text), `"a":"b"`)) ||
			brace == "{trashed}" && !trashed || brace == "{member}" && !strings.Contains(string(text), "READER") {
			w.t.Errorf("%s was changed by calls that were denied: %s", name, text)
		}
	}
}

func random(n int) string { return rand.Text()[:min(n, 26)] }
