//go:build clients

package clients_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// TestSharePage opens a shared folder with a password in a browser, where nobody
// proves who he is: its own form is not taken for that of another site.
func TestSharePage(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: apt-get install chromium")
	}
	s := start(t, fleet.One, nil)
	s.send(t, http.MethodPut, "/v1/spaces/default/paths/shared/a%20file.txt", "contents", nil)
	var folder struct{ Name string }
	s.send(t, http.MethodGet, "/v1/spaces/default/files:lookup?path=/shared", "", &folder)
	var share struct{ Token string }
	s.send(t, http.MethodPost, "/v1/spaces/default/shares", `{"file":"`+folder.Name+`","password":"open sesame"}`, &share)
	for _, host := range []string{"localhost", "127.0.0.1"} {
		t.Run(host, func(t *testing.T) {
			var shown struct {
				Statuses []int
				Told     bool
				Names    []string
			}
			node(t, &shown, "share.mjs", chromium, strings.Replace(s.fleet.URL, "127.0.0.1", host, 1)+"/s/"+share.Token, "open sesame")
			if !shown.Told || !slices.Equal(shown.Statuses, []int{401, 401, 200}) || !slices.Equal(shown.Names, []string{"a file.txt"}) {
				t.Errorf("the browser was shown %+v", shown)
			}
		})
	}
}

// send makes a call that must succeed and decodes its answer, unless that is nil.
func (s *service) send(t *testing.T, method, path, body string, answer any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.fleet.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
	if answer == nil {
		return
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		t.Fatal(err)
	}
}
