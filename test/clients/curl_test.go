//go:build clients

package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// TestCurl uploads by the IETF's protocol with curl and a shell.
func TestCurl(t *testing.T) {
	s := start(t, fleet.One, nil)
	for i, scenario := range []string{"rest", "pieces", "wrong", "cancel"} {
		t.Run(scenario, func(t *testing.T) {
			file, want := randomFile(t, uint64(200+i))
			proxy := s.broken(t, uint64(200+i))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var out, complaints bytes.Buffer
			command := exec.CommandContext(ctx, "./ietf.sh", "http://"+proxy.Address+"/v1/spaces/default/uploads", file, scenario)
			command.Stdout, command.Stderr = &out, &complaints
			if err := command.Run(); err != nil {
				t.Fatalf("%v\n%s%s", err, &out, &complaints)
			}
			var result struct {
				URL     string
				Retries int
			}
			if err := json.Unmarshal(out.Bytes(), &result); err != nil {
				t.Fatalf("%q: %v", &out, err)
			}
			t.Logf("%d connections broken", proxy.Cuts())
			if proxy.Cuts() < 3 && scenario != "cancel" || proxy.Cuts() == 0 {
				t.Errorf("only %d connections were broken", proxy.Cuts())
			}
			if scenario == "cancel" {
				s.gone(t, result.URL)
				return
			}
			if got := s.digest(t, "/ietf/"+scenario+".bin"); got != want {
				t.Errorf("stored %s, sent %s", got, want)
			}
		})
	}
}
