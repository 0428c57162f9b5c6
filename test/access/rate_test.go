package access_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// Somebody who writes too often is refused on every door, and told when to come
// back; he still reads, and others write.
func TestRateOfAPrincipal(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode fleet.Mode) {
		w := newWorld(t, mode, map[string]string{
			"write-rate": "0.001", "write-burst": "3", "read-rate": "1000000", "read-burst": "1000000", "trusted-proxies": "1",
		})
		from := func(who, method, target, body string) (*http.Response, string) {
			t.Helper()
			req := w.request(method, target, body)
			req.Header.Set("Authorization", "Bearer "+w.bearers[who])
			req.Header.Set("X-Forwarded-For", "192.0.2.1")
			return w.respond(req)
		}
		doors := map[string]caller{
			"holdfast.metadata.v1.FileService/CreateFile": w.dial(w.fleet.Metadata, ""),
			"holdfast.storage.v1.ContentService/Upload":   w.dial(w.fleet.Storage, ""),
		}
		requests := map[string]string{
			"holdfast.metadata.v1.FileService/CreateFile": `{"parent":"spaces/team","file":{"displayName":"{fresh}","kind":"FOLDER"}}`,
			"holdfast.storage.v1.ContentService/Upload":   `{"spec":{"path":{"space":"spaces/team","path":"/{fresh}"}}}`,
		}
		over := func(who, method string) error {
			t.Helper()
			ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+w.bearers[who], "x-viewer-address", "192.0.2.2")
			return doors[method].invoke(ctx, t, method, w.expand(requests[method], true))
		}
		// Three writes, one by each door.
		if resp, text := from("writer", http.MethodPut, "/v1/spaces/team/paths/"+w.fresh(), "x"); resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s %s", resp.Status, text)
		}
		for method := range doors {
			if err := over("writer", method); err != nil {
				t.Fatalf("%s: %v", method, err)
			}
		}
		for _, call := range [][3]string{
			{http.MethodPut, "/v1/spaces/team/paths/" + w.fresh(), "x"},
			{http.MethodPost, "/v1/spaces/team/files", `{"displayName":"a","kind":"FOLDER"}`},
			{http.MethodDelete, "/v1/spaces/team/paths/look.txt", ""},
			{http.MethodPost, "/v1/spaces/team/uploads?path=/u", "x"},
		} {
			resp, text := from("writer", call[0], call[1], call[2])
			w.wantsRetry(resp, text)
		}
		for method := range doors {
			wantsRetryInfo(t, over("writer", method))
		}
		if resp, text := from("writer", http.MethodGet, "/v1/spaces/team/paths/look.txt", ""); resp.StatusCode != http.StatusOK {
			t.Errorf("a read of who may not write just now: %s %s", resp.Status, text)
		}
		if resp, text := from("owner", http.MethodPut, "/v1/spaces/team/paths/"+w.fresh(), "x"); resp.StatusCode != http.StatusCreated {
			t.Errorf("a write of another: %s %s", resp.Status, text)
		}
		w.make(http.MethodPut, "/v1/spaces/team/paths/"+w.fresh(), "from this machine")
	})
}

// wantsRetry checks a refusal over REST.
func (w *world) wantsRetry(resp *http.Response, text string) {
	w.t.Helper()
	after, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if resp.StatusCode != http.StatusTooManyRequests || err != nil || after < 1 || after > 1000 ||
		resp.Header.Get("Ratelimit-Policy") != `"writer";q=3;w=3000` || !strings.HasPrefix(resp.Header.Get("Ratelimit"), `"writer";r=0;t=`) {
		w.t.Errorf("%s %v %s", resp.Status, resp.Header, text)
	}
	var body object
	if err := json.Unmarshal([]byte(text), &body); err == nil && !strings.Contains(text, "RATE_LIMITED") {
		w.t.Errorf("got %s", text)
	}
}

// wantsRetryInfo checks a refusal over gRPC.
func wantsRetryInfo(t *testing.T, err error) {
	t.Helper()
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok && retry.GetRetryDelay().AsDuration() > 0 && s.Code().String() == "ResourceExhausted" {
			return
		}
	}
	t.Errorf("got %v with %v", err, s.Details())
}
