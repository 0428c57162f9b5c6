package access_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// What somebody tries who wants what he must not have. Each attack is one on a
// whole service, in one process and in three.
func TestAttacks(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode fleet.Mode) {
		w := newWorld(t, mode)
		for name, attack := range map[string]func(*world){
			"forged tokens":        (*world).forgedTokens,
			"header smuggling":     (*world).headerSmuggling,
			"forwarding headers":   (*world).forwardingHeaders,
			"host header":          (*world).hostHeader,
			"id enumeration":       (*world).idEnumeration,
			"page tokens":          (*world).pageTokens,
			"replays":              (*world).replays,
			"oversized metadata":   (*world).oversizedMetadata,
			"path traversal":       (*world).pathTraversal,
			"line breaks in names": (*world).lineBreaks,
			"stored scripts":       (*world).storedScripts,
			"revocation":           (*world).revocation,
			"revoked on the way":   (*world).revokedOnTheWay,
			"revoked signers":      (*world).signersRevoked,
			"share tokens":         (*world).shareTokens,
			"share passwords":      (*world).sharePasswords,
			"decompression bombs":  (*world).decompressionBombs,
			"header floods":        (*world).headerFloods,
		} {
			t.Run(name, func(t *testing.T) {
				inner := *w
				inner.t = t
				attack(&inner)
			})
		}
		w.auditTellsNoSecrets()
	})
}

func (w *world) forgedTokens() {
	parts := strings.Split(w.bearers["reader"], ".")
	claims := object{"iss": issuerName, "aud": audience, "sub": "root", "groups": []string{admins}, "exp": 4_000_000_000}
	metadata := w.dial(w.fleet.Metadata, "")
	for name, token := range map[string]string{
		"none":           part(w.t, object{"alg": "none", "kid": "k1"}) + "." + part(w.t, claims) + ".",
		"HS256":          part(w.t, object{"alg": "HS256", "kid": "k1"}) + "." + part(w.t, claims) + "." + parts[2],
		"other claims":   parts[0] + "." + part(w.t, claims) + "." + parts[2],
		"no signature":   parts[0] + "." + parts[1] + ".",
		"invented key":   "hf_" + strings.Repeat("a", 49),
		"cut key":        "hf_",
		"the word":       "Bearer",
		"odd characters": "\x80\xff",
	} {
		req := w.request(http.MethodGet, "/v1/spaces/team", "")
		req.Header["Authorization"] = []string{"Bearer " + token}
		if status, text := w.send(req); status != http.StatusUnauthorized {
			w.t.Errorf("%s: %d %s", name, status, text)
		}
		if name == "odd characters" {
			continue // gRPC clients can't send them
		}
		if got, err := metadata.call(w.t, token, "holdfast.metadata.v1.SpaceService/ListSpaces", "{}"); got != "UA" {
			w.t.Errorf("%s over gRPC: %s %v", name, got, err)
		}
	}
}

// headerSmuggling: a credential is the one Authorization field and nothing else.
func (w *world) headerSmuggling() {
	admin := "Bearer " + w.bearers["administrator"]
	for name, header := range map[string]http.Header{
		"gateway's prefix":  {"Grpc-Metadata-Authorization": {admin}},
		"trailing metadata": {"Grpc-Trailer-Authorization": {admin}},
		"proxy":             {"Proxy-Authorization": {admin}},
		"forwarded":         {"X-Forwarded-Authorization": {admin}},
		"cookie":            {"Cookie": {"authorization=" + admin}},
		"service":           {"X-Service-Token": {ledgerToken}, "Grpc-Metadata-X-Service-Token": {ledgerToken}},
		"override":          {"X-Http-Method-Override": {"DELETE"}, "X-Original-Url": {"/v1/spaces"}},
	} {
		req := w.request(http.MethodDelete, "/v1/spaces/team", "")
		req.Header = header
		if status, _ := w.send(req); status != http.StatusUnauthorized {
			w.t.Errorf("%s, without a credential: %d", name, status)
		}
		req = w.request(http.MethodDelete, "/v1/spaces/team", "")
		req.Header = header
		req.Header.Set("Authorization", "Bearer "+w.bearers["reader"])
		if status, _ := w.send(req); status != http.StatusForbidden {
			w.t.Errorf("%s, as a reader: %d", name, status)
		}
	}
	req := w.request(http.MethodGet, "/v1/spaces/team", "")
	req.Header["Authorization"] = []string{"Bearer " + w.bearers["reader"], admin}
	if status, _ := w.send(req); status != http.StatusBadRequest {
		w.t.Errorf("two credentials: %d", status)
	}
	for name, lines := range map[string]string{
		"space before the colon": "Authorization : " + admin,
		"folded line":            "X-A: b\r\n Authorization: " + admin,
		"line feed alone":        "X-A: b\rAuthorization: " + admin,
		"empty name":             ": " + admin,
		"two lengths":            "Content-Length: 0\r\nContent-Length: 5",
		"length and chunks":      "Content-Length: 5\r\nTransfer-Encoding: chunked, identity",
	} {
		if status := w.raw("GET /v1/spaces/team HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n\r\n"); status < 400 || status == 500 {
			w.t.Errorf("%s: %d", name, status)
		}
	}
}

// raw sends bytes and returns the status of the answer.
func (w *world) raw(request string) int {
	w.t.Helper()
	conn, err := new(net.Dialer).DialContext(w.t.Context(), "tcp", strings.TrimPrefix(w.fleet.URL, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

const forgedAddress = "203.0.113.99"

// forwardingHeaders: where a caller says that he is counts for nothing.
func (w *world) forwardingHeaders() {
	req := w.request(http.MethodGet, "/v1/spaces/team", "")
	req.Header.Set("Authorization", "Bearer "+w.bearers["reader"])
	for _, name := range []string{
		"X-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Viewer-Address",
		"Cloudfront-Viewer-Address", "Grpc-Metadata-X-Viewer-Address", "X-Request-Id",
	} {
		req.Header.Set(name, forgedAddress)
	}
	req.Header.Set("Forwarded", "for="+forgedAddress)
	if status, text := w.send(req); status != http.StatusOK {
		w.t.Errorf("%d %s", status, text)
	}
	if strings.Contains(w.logs(), forgedAddress) {
		w.t.Error("a forged address is in the log")
	}
}

func (w *world) logs() string {
	var all strings.Builder
	for _, p := range w.fleet.Programs() {
		all.WriteString(p.Output())
	}
	return all.String()
}

// hostHeader: what the client calls the server comes back in nothing.
func (w *world) hostHeader() {
	for _, host := range []string{"evil.example", "evil.example:80", "localhost.evil.example", "team"} {
		req := w.request(http.MethodPut, "/v1/spaces/team/paths/"+w.fresh(), "x")
		req.Host = host
		req.Header.Set("Authorization", "Bearer "+w.bearers["writer"])
		req.Header.Set("X-Forwarded-Host", host)
		resp, err := w.client.Do(req)
		if err != nil {
			w.t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil {
			w.t.Fatal(err)
		}
		if resp.StatusCode != http.StatusCreated || strings.Contains(fmt.Sprint(resp.Header)+string(text), "evil") ||
			!strings.HasPrefix(resp.Header.Get("Location"), "/v1/") {
			w.t.Errorf("%s: %d %v %s", host, resp.StatusCode, resp.Header, text)
		}
	}
}

// idEnumeration: a space in which somebody has no role answers like one that
// does not exist, word for word.
func (w *world) idEnumeration() {
	file := w.put(w.fresh())["name"].(string)
	member := w.expand("{member}", true)
	for _, target := range []string{
		"spaces/team", "spaces/team/files", "spaces/team/files?folder=spaces/team/files/root", "spaces/team/files?trashed=true",
		"spaces/team/files:lookup?path=/look.txt", "spaces/team/paths/look.txt", "spaces/team/members", "spaces/team/keys",
		file, file + "/content", file + "/revisions", member,
	} {
		for _, who := range []string{"owner of another space", "anonymous", "revoked key"} {
			status, text := w.call(who, http.MethodGet, "/v1/"+target, "")
			other, none := w.call(who, http.MethodGet, "/v1/"+strings.ReplaceAll(target, "team", "none"), "")
			if got, want := neutral(text, "team"), neutral(none, "none"); status != other || got != want {
				w.t.Errorf("%s by %s: %d %s\nwhere there is no space: %d %s", target, who, status, got, other, want)
			}
		}
	}
	status, text := w.call("owner of another space", http.MethodGet, "/v1/spaces", "")
	if status != http.StatusOK || strings.Contains(string(text), "team") || !strings.Contains(string(text), "spaces/other") {
		w.t.Errorf("the list of spaces: %d %s", status, text)
	}
	// A name of another space in a field of an own one reaches nothing.
	mine := w.make(http.MethodPut, "/v1/spaces/other/paths/"+w.fresh(), "x")["name"].(string)
	for _, body := range []string{`{"folder":"spaces/team/files/root"}`, `{"folder":"` + file + `"}`} {
		if status := w.status("owner of another space", http.MethodPost, "/v1/"+mine+":move", body); status < 400 || status == 403 {
			w.t.Errorf("a move into another space: %d", status)
		}
	}
	w.uploadEnumeration(file)
	if status := w.status("owner of another space", http.MethodGet, "/v1/spaces/other/files?folder=spaces/team/files/root", ""); status < 400 {
		w.t.Errorf("a folder of another space is listed: %d", status)
	}
}

// uploadEnumeration: an upload of an own space that names something of another
// gets one answer, whether that is there, is something else, or its space is
// nowhere.
func (w *world) uploadEnumeration(file string) {
	w.put("look/in.txt")
	folder := w.make(http.MethodGet, "/v1/spaces/team/files:lookup?path=/look", "")["name"].(string)
	storage := w.dial(w.fleet.Storage, "")
	create := func(target string) [2]string {
		return [2]string{"CreateUpload", `{"parent":"spaces/other",` + target + `}`}
	}
	join := func(part string) [2]string {
		return [2]string{"ConcatenateUploads", `{"upload":{"parent":"spaces/other"},"parts":["` + part + `"]}`}
	}
	path := func(path string) [2]string {
		return create(`"path":{"space":"spaces/team","path":"` + path + `"}`)
	}
	child := func(folder, name string) [2]string {
		return create(`"child":{"folder":"` + folder + `","displayName":"` + name + `"}`)
	}
	const missing = "0198c0de-0000-7000-8000-000000000000"
	for name, c := range map[string][2]string{
		"a file":                    create(`"file":"` + file + `"`),
		"a folder for a file":       create(`"file":"` + folder + `"`),
		"no file":                   create(`"file":"spaces/team/files/` + missing + `"`),
		"the root path":             path("/"),
		"the path of a file":        path("/look/in.txt"),
		"the path of a folder":      path("/look"),
		"a path through a file":     path("/look/in.txt/x"),
		"a path that is free":       path("/look/free.txt"),
		"a taken name":              child(folder, "in.txt"),
		"a free name":               child(folder, "free.txt"),
		"a child of a file":         child(file, "x"),
		"a child of nothing":        child("spaces/team/files/"+missing, "x"),
		"a folder's name":           child("spaces/team/files/root", "look"),
		"a part":                    join(w.expand("{upload}", true)),
		"no part":                   join("spaces/team/uploads/" + missing),
		"a target and a condition":  create(`"file":"` + file + `","condition":{"absent":true}`),
		"a target of a partial one": create(`"file":"` + file + `","partial":true`),
	} {
		ask := func(request string) string {
			got, err := storage.call(w.t, w.bearers["owner of another space"], "holdfast.storage.v1.ResumableService/"+c[0], request)
			return got + " " + fmt.Sprint(err)
		}
		got, want := ask(c[1]), ask(strings.ReplaceAll(c[1], "spaces/team", "spaces/none"))
		if got = neutral([]byte(got), "spaces/team"); got != neutral([]byte(want), "spaces/none") || !strings.HasPrefix(got, "IA ") {
			w.t.Errorf("%s: %s\nwhere there is no space: %s", name, got, want)
		}
	}
}

// neutral returns an error without what the caller asked for himself.
func neutral(text []byte, space string) string {
	s := strings.ReplaceAll(string(text), space, "SPACE")
	if at := strings.Index(s, `"requestId":"`); at >= 0 {
		s = s[:at]
	}
	return s
}

// pageTokens: a token is good for the caller and the question that it was given to.
func (w *world) pageTokens() {
	for range 3 {
		w.put(w.fresh())
	}
	list := "/v1/spaces/team/files?pageSize=1"
	status, text := w.call("reader", http.MethodGet, list, "")
	_, token, _ := strings.Cut(string(text), `"nextPageToken":"`)
	token, _, _ = strings.Cut(token, `"`)
	if status != http.StatusOK || token == "" {
		w.t.Fatalf("%d %s", status, text)
	}
	if status := w.status("reader", http.MethodGet, list+"&pageToken="+token, ""); status != http.StatusOK {
		w.t.Errorf("his own token: %d", status)
	}
	flipped := []byte(token)
	flipped[len(flipped)/2] ^= 1
	for name, try := range map[string]struct{ who, target string }{
		"another caller":   {"writer", list + "&pageToken=" + token},
		"an administrator": {"administrator", list + "&pageToken=" + token},
		"another space":    {"administrator", "/v1/spaces/other/files?pageSize=1&pageToken=" + token},
		"another order":    {"reader", list + "&orderBy=display_name+desc&pageToken=" + token},
		"the trash":        {"reader", list + "&trashed=true&pageToken=" + token},
		"another list":     {"administrator", "/v1/spaces?pageSize=1&pageToken=" + token},
		"changed":          {"reader", list + "&pageToken=" + string(flipped)},
		"cut":              {"reader", list + "&pageToken=" + token[:len(token)-4]},
		"made up":          {"reader", list + "&pageToken=AAAA"},
	} {
		if status := w.status(try.who, http.MethodGet, try.target, ""); status != http.StatusBadRequest {
			w.t.Errorf("%s: %d", name, status)
		}
	}
}

// replays: the outcome of a request is for the one who made it.
func (w *world) replays() {
	body := `{"displayName":"` + w.fresh() + `","kind":"FOLDER"}`
	try := func(who string) (int, string) {
		req := w.request(http.MethodPost, "/v1/spaces/team/files", body)
		req.Header.Set("Authorization", "Bearer "+w.bearers[who])
		req.Header.Set("Idempotency-Key", "the-same-key")
		status, text := w.send(req)
		return status, string(text)
	}
	status, first := try("writer")
	if status != http.StatusCreated {
		w.t.Fatalf("%d %s", status, first)
	}
	if status, again := try("writer"); status != http.StatusCreated || again != first {
		w.t.Errorf("repeated: %d %s", status, again)
	}
	for who, want := range map[string]int{"owner": 409, "reader": 403, "owner of another space": 404, "anonymous": 401, "revoked key": 401} {
		if status, text := try(who); status != want || strings.Contains(text, "etag") {
			w.t.Errorf("replayed by %s: %d %s", who, status, text)
		}
	}
	// The secret of a key is told once, whoever asks again.
	req := func() (int, []byte) {
		req := w.request(http.MethodPost, "/v1/spaces/team/keys", `{"scope":"READ"}`)
		req.Header.Set("Authorization", "Bearer "+w.bearers["owner"])
		req.Header.Set("Idempotency-Key", "a-key-for-a-key")
		return w.send(req)
	}
	if status, text := req(); status != http.StatusCreated || !strings.Contains(string(text), "hf_") {
		w.t.Errorf("a new key: %d", status)
	}
	if status, text := req(); status != http.StatusCreated || strings.Contains(string(text), "hf_") {
		w.t.Errorf("the same key again: %d, with its secret", status)
	}
}

// oversizedMetadata: long header fields are refused, and cost nothing but that.
func (w *world) oversizedMetadata() {
	long := strings.Repeat("a", 64<<10)
	if status := w.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + long + "\r\n\r\n"); status != http.StatusRequestHeaderFieldsTooLarge {
		w.t.Errorf("a long field: %d", status)
	}
	req := w.request(http.MethodGet, "/v1/spaces/team", "")
	req.Header.Set("Authorization", "Bearer "+long[:20<<10])
	if status, _ := w.send(req); status != http.StatusUnauthorized {
		w.t.Errorf("a long credential: %d", status)
	}
	for _, address := range []string{w.fleet.Metadata, w.fleet.Storage} {
		conn := w.dial(address, "")
		if got, err := conn.call(w.t, long+long, "holdfast.metadata.v1.SpaceService/ListSpaces", "{}"); err == nil {
			w.t.Errorf("long metadata: %s", got)
		}
		if got, err := conn.call(w.t, w.bearers["reader"], "holdfast.metadata.v1.SpaceService/ListSpaces", "{}"); got != "OK" && address == w.fleet.Metadata {
			w.t.Errorf("afterwards: %s %v", got, err)
		}
	}
}
